"""Projects: work for an organization, with a beginning and a due date.

A project never moves to another organization. Deleting it hides its tasks too. With the audience
`client`, the client's people see it.
"""
