"""Secret tokens of sessions and links: 256 random bits. Only their digests are stored."""

import hashlib
import secrets


def generate() -> str:
    """A new token, safe in URLs and cookies."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """SHA-256 of a token. Without salt: nobody can guess 256 random bits."""
    return hashlib.sha256(token.encode()).digest()
