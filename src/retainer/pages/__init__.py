"""Pages for people: handlers, forms and templates, one package for each noun."""
