"""The HTML of values: small components of rows, and escaping."""
