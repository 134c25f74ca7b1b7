"""Pages of organizations: the list with its selection, an organization's tabs, the form."""
