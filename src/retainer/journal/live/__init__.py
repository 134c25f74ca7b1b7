"""Open pages learn what others change."""
