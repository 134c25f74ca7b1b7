"""A change performed once for its Idempotency-Key, or tried and rolled back for `Prefer: dry-run`.
Without either the handler runs as it is.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from starlette.responses import Response

from retainer.database.database import Db
from retainer.errors import Problem, invalid
from retainer.http.request import Request
from retainer.http.routing import Route
from retainer.http.safe_writes import idempotency, prefer, seen_records

Change = Callable[[], Awaitable[Response]]


class Outcome(NamedTuple):
    """The response of a change. Its effect was committed earlier (a replay) or never (a dry run)
    unless `is_committed`.
    """

    response: Response
    is_committed: bool = True


def read_headers(request: Request, route: Route) -> None:
    """Read Prefer and Idempotency-Key. Raises Invalid for a malformed key, and for a dry run of a
    route that has none.
    """
    preferred = request.headers.joined("prefer")
    request.prefer = {} if preferred is None else prefer.parse(preferred)
    is_dry = prefer.DRY_RUN in request.prefer
    if is_dry and not route.dry:
        raise invalid(
            "Prefer", "must not ask for a dry-run here: what this does cannot be taken back"
        )
    if "idempotency-key" in request.headers and route.keyed and not is_dry:
        request.idempotency_key = idempotency.key(request)


async def perform(request: Request, route: Route, change: Change, upload: bytes = b"") -> Outcome:
    """Make a change, once for its key. `upload` distinguishes one upload from another, whose body
    is not kept.
    """
    request.changed_users.clear()
    if prefer.DRY_RUN in request.prefer:
        return Outcome(await dry_run(request, route, change), is_committed=False)
    if request.idempotency_key is None:
        return Outcome(prefer.apply(request.prefer, route, await change()))
    async with transaction(request) as tx:
        slot = idempotency.slot(request, route, upload)
        replay = await idempotency.take(request, tx, slot)
        if replay is not None:
            return Outcome(replay, is_committed=False)
        made = await change()
        seen = await seen_records.seen(request, route, made, tx)
        response = prefer.apply(request.prefer, route, made)
        await idempotency.keep(tx, slot, response, seen)
    for user in request.changed_users:
        request.app.sessions.forget(user)
    return Outcome(response)


async def dry_run(request: Request, route: Route, change: Change) -> Response:
    """The response that the change would have, or its refusal; the transaction is rolled back."""
    try:
        async with transaction(request, dry=True):
            response = await change()
    except Problem as problem:
        problem.headers[prefer.APPLIED] = prefer.DRY_RUN
        raise
    del response.headers["set-cookie"]
    return prefer.apply(request.prefer, route, response)


@asynccontextmanager
async def transaction(request: Request, *, dry: bool = False) -> AsyncIterator[Db]:
    """One transaction around all that the handler sends, whose own become part of it."""
    outer = request.db
    async with outer.transaction(dry=dry) as tx:
        request.db = tx
        try:
            yield tx
        finally:
            request.db = outer
