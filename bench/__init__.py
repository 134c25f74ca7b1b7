"""Retainer measured beside its peers and beside the limit: `python -m bench`, described in
README.md.
"""
