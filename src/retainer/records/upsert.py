"""Changing the record that another system's key names, or adding it, in one step that is safe to
repeat: PUT /tasks/by/externalId/{value} and its like.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET
from starlette.responses import Response

from retainer.database import exact_json
from retainer.database.database import Db
from retainer.database.refusals import Retry
from retainer.database.statement import Statement
from retainer.database.stored import Stored
from retainer.errors import Conflict, NotFound, PreconditionFailed, invalid
from retainer.http.body import decode, sent
from retainer.http.request import Request
from retainer.http.responses import record_response
from retainer.http.safe_writes import preconditions


class Upsert(NamedTuple):
    """The parts of a noun's upserts.

    `by` has the SELECT of the id that a key (:value) names. `create` and `update` are handlers of
    requests whose `data` is a body that creates (of the type `creation`) or changes.
    """

    table: str
    singular: str
    creation: type[msgspec.Struct]
    create: Callable[[Request], Awaitable[Response]]
    update: Callable[[Request, int], Awaitable[Response]]
    get: Callable[[Db, int], Awaitable[Stored]]
    by: Mapping[str, Statement]


def by_external_id(table: str, alias: str) -> dict[str, Statement]:
    """The SELECT of the visible record with an external id."""
    return {
        "external_id": Statement(f"""
            SELECT {alias}.id FROM {table} {alias}
            WHERE {alias}.tenant_id = :tenant AND {alias}.external_id = :value
                AND {alias}.deleted_by IS NULL AND @visible_{table}
        """)
    }


# Upserts by the same key run one after the other: the first inserts, the next ones find its row.
LOCK_KEY = Statement("""
    SELECT pg_advisory_xact_lock(hashtextextended(
        :singular::text || ' by ' || :key::text || ' ' || :value::text, :tenant))
""")


async def put_by_external_id(request: Request, value: str, upsert: Upsert) -> Response:
    """Change the record with this external id (200), or add one with it (201)."""
    # The value in the path obeys the same rules as the field in a body.
    like = decode(msgspec.json.encode({"externalId": value}), type(request.data))
    value = sent(like)["external_id"]
    if not value:
        raise invalid("externalId", "must not be empty")
    if request.data.external_id not in (UNSET, value):
        raise invalid("externalId", "must be the one in the path, or be left out")
    return await put(request, upsert, "external_id", value, {"externalId": value})


async def put(
    request: Request, upsert: Upsert, key: str, value: str, implied: dict[str, Any]
) -> Response:
    """Change the record that has the key (200), or add one with what it implies (201)."""
    outer, body = request.db, request.data
    try:
        async with outer.savepoint():
            return await _put(request, outer, body, upsert, key, value, implied)
    except Conflict:
        # Another request may have given the key to a record by a plain create or update, which
        # takes no lock on the key. It has committed by now, so the second try finds its row.
        return await _put(request, outer, body, upsert, key, value, implied)
    finally:
        request.db, request.data = outer, body


async def _put(
    request: Request,
    outer: Db,
    body: msgspec.Struct,
    upsert: Upsert,
    key: str,
    value: str,
    implied: dict[str, Any],
) -> Response:
    async with outer.transaction() as tx:
        await tx.row(LOCK_KEY, singular=upsert.singular, key=key, value=value)
        id: int | None = await tx.value(upsert.by[key], value=value)
        request.db = tx
        if id is None:
            request.data = _complete(request, body, upsert, implied)
            return _created(await upsert.create(request), upsert.table)
        request.data = body
        try:
            return await upsert.update(request, id)
        except NotFound:
            if tx.expected is None:
                words = f"The {upsert.singular} was deleted at the same moment. Try again."
                raise Retry(words) from None
            current = record_response(await upsert.get(tx, id))
            raise preconditions.failure(current) from None


def _complete(
    request: Request, body: msgspec.Struct, upsert: Upsert, implied: dict[str, Any]
) -> msgspec.Struct:
    """The body that creates. Raises Invalid with what a new one lacks."""
    if "if-match" in request.headers:
        raise PreconditionFailed(
            f"There is no such {upsert.singular}, so none in the state that If-Match expects."
        )
    given = exact_json.decode(exact_json.encode(body), dict[str, Any])
    given = implied | {name: v for name, v in given.items() if v or name not in implied}
    return decode(exact_json.encode(given), upsert.creation)


def _created(response: Response, table: str) -> Response:
    etag = response.headers["etag"]
    response.status_code = 201
    response.headers["location"] = f"/api/{table}/{etag[1:-1].partition('-')[0]}"
    return response
