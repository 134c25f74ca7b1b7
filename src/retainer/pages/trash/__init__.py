"""The page of what was deleted, where it is restored."""
