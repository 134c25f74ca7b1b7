"""Projects: work for an organization, with a beginning and a due date.

A project stays with its organization. Deleting it hides its tasks too. `audience` says whether the
client's people see it.
"""
