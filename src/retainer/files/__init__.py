"""Hostile files, read by a separate program with limits on its time and memory."""
