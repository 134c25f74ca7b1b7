"""Signatures of what browsers keep for us and give back: with the installation's secret, so that
nobody can make it up.
"""

import base64
import binascii
import hashlib
import hmac


def signed(secret: bytes, purpose: str, content: bytes) -> str:
    """The content with its signature, as it stands in a cookie. What is signed for one purpose is
    worth nothing for another.
    """
    parts = (content, _signature(secret, purpose, content))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def verified(secret: bytes, purpose: str, text: str) -> bytes | None:
    """The content of a signed text; None for one that we did not sign for this purpose."""
    content, _, signature = text.partition(".")
    try:
        found, given = _decoded(content), _decoded(signature)
    except (binascii.Error, ValueError):
        return None
    if not secret or not hmac.compare_digest(given, _signature(secret, purpose, found)):
        return None
    return found


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


def _signature(secret: bytes, purpose: str, content: bytes) -> bytes:
    return hmac.digest(secret, purpose.encode() + b"\0" + content, hashlib.sha256)
