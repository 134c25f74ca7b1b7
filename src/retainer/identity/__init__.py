"""Who people are: users, their sessions and passwords."""
