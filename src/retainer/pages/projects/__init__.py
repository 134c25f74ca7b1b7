"""Pages of projects: the list, a project with its tasks, the forms."""
