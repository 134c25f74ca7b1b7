"""Pages of documents: the list, adding and moving, previews, versions."""
