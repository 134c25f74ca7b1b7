"""Users: the people who sign in, each with a role in one tenant.

The username is an e-mail address, unique in the whole installation. Users are disabled, not
deleted; the last active admin of a tenant stays. A new role or a disabled account ends the user's
sessions at once. A first or forgotten password is chosen through a single-use link that an admin
makes; a new link ends the older ones.
"""
