"""One file per page of the rail."""
