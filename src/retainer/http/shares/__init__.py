"""Shares of what all users of a process have in common: connections for long answers, processor
time for passwords, open streams.

Each such thing has a number of places. A user holds a part of them and a tenant all but one, so
that nobody takes everything; who waits is served in the order of what their tenant and they
themselves hold, least first, so that one who asks a hundred times waits behind one who asks once.
Where nobody has signed in, networks and names stand for tenants and users.
"""
