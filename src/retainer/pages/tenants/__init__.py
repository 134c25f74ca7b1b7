"""Page of the consultancy's settings."""
