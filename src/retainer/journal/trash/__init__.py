"""Trash: deleted records that can be restored, the newest first.

Deleting hides a record and all that belongs to it, under the number of the operation that did so.
An entry is a record that somebody deleted, without those that were deleted with it. Restoring it is
undoing that operation (journal/undo.py), which restores exactly what it deleted; then the entry is
gone. Nothing here writes.
"""
