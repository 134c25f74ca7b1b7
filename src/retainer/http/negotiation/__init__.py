"""Decisions on a request before its handler runs: a page or JSON, which origins may ask, which
methods a path takes, and how it is spelled.
"""
