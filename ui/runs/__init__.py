"""The Runs page in parts: its columns, table, filters, comparison and labels."""
