"""The page of results, and the palette's hits during typing."""
