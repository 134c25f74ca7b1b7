"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a change that is sent again is
answered again, not made again (docs/decisions/0009).

A key belongs to a user, a route and a path. It is held by an advisory lock while its first request
runs and stored with the answer in the transaction of the effect; a request that is refused leaves
nothing.
"""

import hashlib
from typing import NamedTuple

from starlette.responses import Response

from retainer.database.database import Db, Retry, Rollback
from retainer.database.statement import Statement
from retainer.errors import Conflict, invalid
from retainer.http.request import Request
from retainer.http.routing import API, Route

LONGEST = 255

TAKE = Statement("""
    SELECT k.is_free, k.fingerprint, k.status, k.headers, k.body
    FROM @acting, take_idempotency_key(:tenant, :user, :name) k
""")

# A few that are over are cleared away with each that comes, never waiting for anybody.
KEEP = Statement("""
    WITH over AS (
        DELETE FROM idempotency_keys k
        WHERE k.tenant_id = :tenant AND (k.user_id, k.name) IN (
            SELECT e.user_id, e.name FROM idempotency_keys e
            WHERE e.tenant_id = :tenant AND e.expires_at <= now() AND (e.user_id, e.name) <> (:user, :name)
            ORDER BY e.expires_at LIMIT 10 FOR UPDATE SKIP LOCKED)
    )
    -- in transaction, after TAKE
    INSERT INTO idempotency_keys AS k (tenant_id, user_id, name, fingerprint, status, headers, body)
    VALUES (:tenant, :user, :name, :fingerprint, :status, :headers, :body)
    ON CONFLICT (tenant_id, user_id, name) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status,
        headers = excluded.headers, body = excluded.body, expires_at = excluded.expires_at
        WHERE k.expires_at <= now()
    RETURNING k.status
""")


class Slot(NamedTuple):
    """Where a request's answer is kept: the digests of its name and of all that it asks, and how it
    is sealed.
    """

    name: bytes
    fingerprint: bytes
    secret: bytes


def key(request: Request) -> str:
    """The request's key. Raises Invalid for one that is empty, too long, not ASCII, or there twice."""
    lines = request.headers.getlist("idempotency-key")
    found = lines[0].strip()
    if len(lines) > 1:
        raise invalid("Idempotency-Key", f"is given {len(lines)} times; give it once")
    if not 1 <= len(found) <= LONGEST or not found.isascii():
        raise invalid(
            "Idempotency-Key", f"must have 1 to {LONGEST} characters of ASCII, such as a new UUID"
        )
    return found


def slot(request: Request, route: Route, form: bytes) -> Slot:
    """Where the answer of this request belongs. Where secrets are sent or answered it takes the
    session's token to guess at them or to read them, and that is not stored.
    """
    path = request.path.removeprefix(API)
    secret = (request.token or "").encode() if route.secret else b""
    asked = [
        request.headers.get(name, "").encode("latin-1")
        for name in ("if-match", "if-none-match", "prefer")
    ]
    return Slot(
        digest(route.name.encode(), path.encode(), (request.idempotency_key or "").encode()),
        digest(
            secret,
            request.method.encode(),
            request.scope["query_string"],
            *asked,
            request.raw,
            form,
        ),
        secret,
    )


def digest(*parts: bytes) -> bytes:
    """One digest of several parts, none of which can pass for a piece of another."""
    return hashlib.sha256(b"".join(b"%d:%b," % (len(part), part) for part in parts)).digest()


async def take(tx: Db, slot: Slot) -> None:
    """Hold the key until the transaction ends. Raises Rollback with the answer that is kept for it,
    Invalid when it is another request's, Conflict while that one runs.
    """
    row = await tx.row(TAKE, name=slot.name)
    assert row is not None
    if not row["is_free"]:
        detail = "Idempotency-Key: the first request with this key is still running. Wait for it, or send this again."
        raise Conflict(detail, headers={"retry-after": "1"})
    if row["status"] is None:
        return
    if row["fingerprint"] != slot.fingerprint:
        raise invalid(
            "Idempotency-Key", "was used for another request here; make a new one for each change"
        )
    names, values = row["headers"][::2], row["headers"][1::2]
    headers = dict(zip(names, values, strict=True)) | {"idempotency-replayed": "true"}
    raise Rollback(Response(sealed(slot, row["body"]), row["status"], headers))


async def keep(tx: Db, slot: Slot, answer: Response) -> None:
    """Store the answer with its effect. A cookie is not kept: what it gave may have ended."""
    headers = [
        part
        for header in answer.headers.items()
        if header[0] not in ("set-cookie", "content-length")
        for part in header
    ]
    body = sealed(slot, bytes(answer.body))
    kept = {"status": answer.status_code, "headers": headers, "body": body}
    if await tx.row(KEEP, name=slot.name, fingerprint=slot.fingerprint, **kept) is None:
        raise Retry("The change met another one with its key. Try again.")


def sealed(slot: Slot, body: bytes) -> bytes:
    """A body that holds a secret, unreadable without the session's token; twice is the body again.
    The stream is used for one body only: it is made of the token and the key's name.
    """
    if not slot.secret or not body:
        return body
    stream = hashlib.shake_256(slot.secret + slot.name).digest(len(body))
    return bytes(a ^ b for a, b in zip(body, stream, strict=True))
