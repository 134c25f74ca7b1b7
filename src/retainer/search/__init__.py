"""Search in organizations, contacts, projects, tasks, activities, documents and the text of files.

Each word of a query matches any word that begins with it, in any order. A word that occurs nowhere
matches the words it may be a misspelling of. A hit is always a record that the viewer could read by
its id. Matches in names rank higher than matches in other texts; a name equal to the query ranks
highest.
"""
