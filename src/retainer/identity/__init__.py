"""Identity: users, their sessions and passwords."""
