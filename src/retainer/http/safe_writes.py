"""Changes that are safe to repeat and to try: one transaction around the handler, kept with its
answer by Idempotency-Key, or rolled back for `Prefer: dry-run`. Without either the handler runs as
it is.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.responses import Response

from retainer.database.database import Db, Rollback
from retainer.errors import Problem, invalid
from retainer.http import idempotency
from retainer.http.prefer import APPLIED, DRY_RUN, apply, preferences
from retainer.http.request import Request
from retainer.http.routing import Route

Work = Callable[[], Awaitable[Response]]


def expect(request: Request, route: Route) -> None:
    """Read what the request's headers ask of a change. Raises Invalid for what cannot be had."""
    preferred = request.joined_header("prefer")
    request.prefer = preferences(preferred) if preferred is not None else {}
    if DRY_RUN in request.prefer and not route.dry:
        raise invalid(
            "Prefer", "must not ask for a dry-run here: what this does cannot be taken back"
        )
    if "idempotency-key" in request.headers and route.keyed and DRY_RUN not in request.prefer:
        request.idempotency_key = idempotency.key(request)


async def performed(request: Request, route: Route, work: Work, form: bytes = b"") -> Response:
    """The answer of a change, made once for its key or not at all. `form` tells one upload from
    another.

    Raises Rollback with the answer when nothing was, or shall be, done for it.
    """
    request.changed_users.clear()
    if DRY_RUN in request.prefer:
        raise Rollback(await rehearsed(request, route, work))
    if request.idempotency_key is None:
        answer = await work()
        return apply(request.prefer, route, answer) if request.prefer and route.keyed else answer
    async with held(request) as tx:
        slot = idempotency.slot(request, route, form)
        await idempotency.take(tx, slot)
        answer = apply(request.prefer, route, await work())
        await idempotency.keep(tx, slot, answer)
    for user in request.changed_users:
        request.app.sessions.forget(user)
    return answer


async def rehearsed(request: Request, route: Route, work: Work) -> Response:
    """What the answer would be, or the refusal; the transaction is rolled back."""
    try:
        async with held(request, dry=True):
            answer = await work()
    except Problem as problem:
        problem.headers[APPLIED] = DRY_RUN
        raise
    del answer.headers["set-cookie"]
    return apply(request.prefer, route, answer)


@asynccontextmanager
async def held(request: Request, *, dry: bool = False) -> AsyncIterator[Db]:
    """One transaction, of which everything that the handler sends becomes part."""
    outer = request.db
    async with outer.transaction(dry=dry) as tx:
        request.db = tx
        try:
            yield tx
        finally:
            request.db = outer
