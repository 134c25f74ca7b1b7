"""A process and its command."""
