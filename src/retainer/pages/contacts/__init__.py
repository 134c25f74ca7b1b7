"""Pages of contacts: the list, a contact with its organizations, the forms."""
