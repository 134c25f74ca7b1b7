"""Members: the contacts of an organization, each with a role.

A contact is a member of an organization at most once; another role is a change of that membership.
Removing a member does not delete the contact. Staff and guests see the organizations of which their
contact is a member.
"""
