"""Pages of the activity feed, histories, the audit log and undo, and their sentences."""
