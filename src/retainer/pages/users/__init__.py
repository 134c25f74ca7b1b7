"""Pages of users for administrators, and everybody's own profile."""
