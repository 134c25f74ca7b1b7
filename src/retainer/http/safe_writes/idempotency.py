"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a change that is sent again is
answered again, not made again (docs/decisions/0009).

A key belongs to a user, a route and a path. It is held by an advisory lock while its first request
runs and stored with the response in the transaction of the effect; a request that is refused leaves
nothing. Of a response that holds a secret only the fact is stored.
"""

import hashlib
import re
from typing import NamedTuple

from starlette.responses import Response

from retainer.database.database import Db
from retainer.database.refusals import Retry
from retainer.database.statement import Statement
from retainer.errors import Conflict, invalid
from retainer.http.request import Request
from retainer.http.routing import API, Route
from retainer.http.safe_writes import seen_records

MAX_KEY = 255  # characters
KEY = "^[!-~]([ -~]*[!-~])?$"
REPLAYED = {"idempotency-replayed": "true"}
SHOWN_ONCE = "This was done; what it answered is shown once. Make another link."

TAKE = Statement("""
    SELECT k.is_free, k.fingerprint, k.status, k.headers, k.body
    FROM @acting, take_idempotency_key(:tenant, :user, :name) k
""")

KEEP = Statement("""
    -- in transaction, after TAKE
    INSERT INTO idempotency_keys AS k (tenant_id, user_id, name, fingerprint, status, headers, body)
    VALUES (:tenant, :user, :name, :fingerprint, :status, :headers, :body)
    ON CONFLICT (tenant_id, user_id, name) DO UPDATE
    SET fingerprint = excluded.fingerprint, status = excluded.status,
        headers = excluded.headers, body = excluded.body, expires_at = excluded.expires_at
        WHERE k.expires_at <= now()
    RETURNING k.status
""")


class Slot(NamedTuple):
    """The row of a request's key: digests of its name and of all that the request asks for."""

    name: bytes
    fingerprint: bytes
    responds_with_secret: bool  # then only the fact is stored


def key(request: Request) -> str:
    """The request's key. Raises Invalid when it is empty, too long, not ASCII, or given twice."""
    lines = request.headers.getlist("idempotency-key")
    key = lines[0].strip(" \t")
    if len(lines) > 1:
        raise invalid("Idempotency-Key", f"is given {len(lines)} times; give it once")
    if len(key) > MAX_KEY or not re.fullmatch(KEY, key):
        raise invalid(
            "Idempotency-Key",
            f"must have 1 to {MAX_KEY} visible characters of ASCII, such as a new UUID",
        )
    return key


def slot(request: Request, route: Route, upload: bytes) -> Slot:
    """The row where the response of this request belongs."""
    path = request.path.removeprefix(API)
    conditions = [
        request.headers.get(name, "").encode("latin-1")
        for name in ("if-match", "if-none-match", "prefer")
    ]
    # A password in the body must not be guessed from the stored digest: it takes the session's
    # token too, which is not stored.
    salt = (request.token or "").encode() if route.secret else b""
    query = request.scope["query_string"]
    return Slot(
        digest(route.name.encode(), path.encode(), (request.idempotency_key or "").encode()),
        digest(salt, request.method.encode(), query, *conditions, request.raw, upload),
        route.secret and route.response_type is not None,
    )


def digest(*parts: bytes) -> bytes:
    """One digest of several parts, none of which can pass for a piece of another."""
    return hashlib.sha256(b"".join(b"%d:%b," % (len(part), part) for part in parts)).digest()


async def take(request: Request, tx: Db, slot: Slot) -> Response | None:
    """Hold the key until the transaction ends. The response that is stored for it, or None when the
    change is still to be made.

    Raises NotFound for a response about what the viewer no longer sees, Invalid for a key of
    another request, Conflict while its first request runs, and where the response was a secret.
    """
    row = await tx.row(TAKE, name=slot.name)
    assert row is not None
    if not row["is_free"]:
        raise Conflict(
            "Idempotency-Key: the first request with this key is still running. "
            "Wait for it, or send this again.",
            headers={"retry-after": "1"},
        )
    if row["status"] is None:
        return None
    headers = dict(zip(row["headers"][::2], row["headers"][1::2], strict=True))
    await seen_records.refuse_unseen(request, tx, headers.pop(seen_records.HEADER, ""))
    if row["fingerprint"] != slot.fingerprint:
        raise invalid(
            "Idempotency-Key", "was used for another request here; make a new one for each change"
        )
    # The stored body is ignored: before this release it was stored encrypted.
    if slot.responds_with_secret:
        raise Conflict(SHOWN_ONCE, headers=dict(REPLAYED))
    response = Response(row["body"], row["status"], REPLAYED)
    for name, value in headers.items():
        response.headers.append(name, value)
    return response


async def keep(tx: Db, slot: Slot, response: Response, seen: str) -> None:
    """Store the response with its effect, and the records that the viewer has to see for it. A
    cookie is not kept: the session that it named may have ended.
    """
    headers: list[str] = []
    for name, value in response.headers.items():
        if name not in ("set-cookie", "content-length"):
            headers += [name, value]
    body = bytes(response.body)
    if slot.responds_with_secret:
        headers, body = [], b""
    headers += [seen_records.HEADER, seen]
    row = await tx.row(
        KEEP,
        name=slot.name,
        fingerprint=slot.fingerprint,
        status=response.status_code,
        headers=headers,
        body=body,
    )
    if row is None:
        raise Retry("The change met another one with its key. Try again.")
