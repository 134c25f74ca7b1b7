"""Retainer: the system of record for a consultancy's client organizations."""

__version__ = "0.1.0"
