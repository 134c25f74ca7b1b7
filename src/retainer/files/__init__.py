"""Files of strangers, read by a program of its own within limits."""
