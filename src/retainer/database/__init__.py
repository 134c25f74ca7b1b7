"""PostgreSQL as requests use it, and the schema."""
