"""Tasks: work with an assignee and a due date, for an organization or a project or neither.

A task with a project and an organization has the project's organization. The tasks of an
organization are its own and those of its projects.
"""
