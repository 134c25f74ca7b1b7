"""Tenants: the consultancies of this installation, each with its settings.

Everybody belongs to one and is told of no other. The command line adds them; none is deleted.
"""
