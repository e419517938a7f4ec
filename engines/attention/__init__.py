"""One file per attention mechanism; every one can return its map."""
