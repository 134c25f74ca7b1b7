"""Page of the worker's progress."""
