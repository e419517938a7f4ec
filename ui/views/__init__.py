"""One file per view; each draws a history or an artifact."""
