"""Tasks: what is to be done, by whom and until when, for an organization or a project or on its
own.

A task of a project and an organization names the project's organization. An organization's tasks
are those on it and those on its projects.
"""
