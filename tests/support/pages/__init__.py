"""Helpers of the tests of pages."""
