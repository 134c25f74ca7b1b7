"""Exchange with the world: imports of spreadsheets."""
