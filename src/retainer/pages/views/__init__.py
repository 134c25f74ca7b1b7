"""Pages to save a list's filters as a view, and to change or delete it."""
