"""Activities: the calls, meetings, e-mails and notes of an organization, by whom, when and with
whom.

Each belongs to one organization and has one author, the user who logged it. Its contacts are the
people it was with: they can be read when they are linked, and stay linked whatever becomes of them,
because what happened stays so.
"""
