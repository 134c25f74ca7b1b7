"""Members: which contacts belong to an organization, and as what.

A contact is a member of an organization at most once; another role is a change of that membership.
Removing a member ends only the association. Through memberships staff and guests see organizations.
"""
