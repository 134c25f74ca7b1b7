"""Pages of trash."""
