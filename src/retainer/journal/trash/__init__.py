"""Trash: what was deleted and can be brought back, the newest first.

Deleting hides a record and all that belongs to it, under the number of the operation that did so.
An entry is a record that somebody deleted, not what went along with it. Bringing it back is undoing
that operation (journal/undo.py), which brings back exactly what it took; then the entry is gone.
Nothing here writes.
"""
