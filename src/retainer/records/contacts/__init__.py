"""Contacts: people, ours and our clients'.

A contact belongs to the tenant, not to one organization: what they are to an organization is a
membership. The e-mail is unique within the tenant, whatever its case. A contact who is a member of
something is not deleted but set inactive.
"""
