"""What people see: handlers, forms and templates, one package a noun."""
