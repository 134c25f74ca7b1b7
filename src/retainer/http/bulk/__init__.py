"""Many writes in one request."""
