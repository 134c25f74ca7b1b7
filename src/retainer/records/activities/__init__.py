"""Activities: calls, meetings, e-mails and notes of an organization, with their time, author and
contacts.

Each belongs to one organization and has one author, the user who logged it. Its contacts are the
people it was with. A contact must be visible to whoever links it; afterwards it stays linked, even
when it is deleted, because an activity records the past.
"""
