"""Pages of imports, for whoever may run them."""
