"""Sessions: signing in and out, by password or by the single-use link that an admin made.

A session is a row and a cookie. The cookie's token is new at every sign-in and only its digest is
kept; the session ends when it is idle for long, when its time is over, at a sign-out, and when the
user's role or state changes. Nothing in a refusal tells a wrong password, an unknown name, a
disabled account and an account without a password apart.
"""
