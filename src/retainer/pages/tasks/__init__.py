"""Pages of tasks: the list with its filter chips, a task, the form."""
