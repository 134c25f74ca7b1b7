"""Organizations: the client, prospect, partner … that everything else belongs to.

An organization has members (contacts, each with a role), projects, tasks, documents and activities.
Deleting it hides that whole tree, as one operation, and keeps it for restoring. Names need not be
unique; a duplicate's ends with "(copy)", "(copy 2)", ….
"""
