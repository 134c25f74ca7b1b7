"""What comes in and goes out: imports of spreadsheets."""
