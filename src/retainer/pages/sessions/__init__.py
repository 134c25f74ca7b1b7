"""Pages to sign in, to sign out, and to choose a password with a link."""
