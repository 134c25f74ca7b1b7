"""Records: one package a noun, each with the same modules."""
