"""Live updates: open pages learn what others change."""
