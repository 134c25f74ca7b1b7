"""Search: what a viewer typed, found in organizations, contacts, projects, tasks, activities,
documents and the text of files.

Every word typed counts as the beginning of a word, wherever it stands and in any order; a word that
nobody has used counts for those that it may have been meant as. A hit is never something that its
viewer could not read by its id. Names count more than other texts, and a name that is what was
typed counts most.
"""
