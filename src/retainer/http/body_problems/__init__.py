"""Problems of a body that is refused: each named by its place, with the remedy."""
