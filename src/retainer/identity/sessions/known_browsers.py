"""Browsers in which somebody has signed in before. A signed cookie says so, for one account; the
first page that is shown after signing in sets it, and it outlives signing out. It proves nobody's
identity: it lets its owner try their password while others guess at it.
"""

import hashlib
import secrets

from retainer.http.request import Request
from retainer.identity.signatures import signed, verified

COOKIE = "retainer.known"
SECONDS = 180 * 24 * 3600
_PURPOSE = "known browser"


def proof(request: Request, username: str) -> str | None:
    """The name of the browser, where it carries proof of an earlier sign-in to this account."""
    for text in request.headers.cookies(COOKIE)[:4]:
        content = verified(request.app.database.secret, _PURPOSE, text[:300])
        account, _, browser = (content or b"").decode().partition(" ")
        if browser and account == _account(username):
            return browser
    return None


def cookie(request: Request, username: str) -> str:
    """Set-Cookie header for a browser in which this account is signed in."""
    content = f"{_account(username)} {secrets.token_hex(12)}".encode()
    value = signed(request.app.database.secret, _PURPOSE, content)
    parts = [f"{COOKIE}={value}", "Path=/", f"Max-Age={SECONDS}", "HttpOnly", "SameSite=Lax"]
    return "; ".join(parts + ["Secure"] * request.is_secure)


def _account(username: str) -> str:
    return hashlib.sha256(username.casefold().encode("utf-8", "surrogatepass")).hexdigest()[:32]
