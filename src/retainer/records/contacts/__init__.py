"""Contacts: people, ours and our clients'.

A contact belongs to the tenant, not to one organization; memberships say what they are to each.
The e-mail, where there is one, is unique within the tenant, ignoring case. A contact with
memberships cannot be deleted, only set inactive.
"""
