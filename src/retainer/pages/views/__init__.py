"""Pages of views."""
