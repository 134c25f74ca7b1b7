"""Engagements: what an organization has agreed with us, for which fee and until when.

An engagement never moves to another organization, and goes with it when that is deleted. With the
audience `client`, the client's people see it.
"""
