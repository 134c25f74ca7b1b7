"""Forms of pages, carried out by the API's own routes within this process: with the permission,
validation and preconditions of each route.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

import msgspec
from starlette.responses import Response

from retainer.database import exact_json
from retainer.database.refusals import Retry
from retainer.database.statement import Statement
from retainer.errors import NotFound
from retainer.http import dispatch
from retainer.http.body import decode
from retainer.http.request import WEB, Request
from retainer.http.safe_writes import preconditions
from retainer.http.safe_writes.perform import read_headers, transaction

_OPERATION = Statement(
    "SELECT nullif(split_part(current_setting('retainer.operation', true), ' ', 1), '')::bigint"
)


T = TypeVar("T")


class Result(NamedTuple):
    """The API's response to a change."""

    response: Response
    operation: int | None  # its id in the journal; None where nothing was changed, or not known

    def record(self, type: type[T]) -> T:
        """Decode the record in the response."""
        return msgspec.json.decode(self.response.body, type=type)


async def perform(
    request: Request,
    name: str,
    *ids: int,
    body: object = None,
    version: str | None = None,
    raw: bytes = b"",
    query: object = None,
) -> Result:
    """Make the change that the API's route of this name makes, under its permission and with its
    checks of the body. Raises Problem as the API does.

    `version` is the ETag of the record as the form showed it: the change is made only while the
    record still has it. `query` has the parameters of a route that takes some.
    """
    route = request.app.table.by_name[name]
    headers = {}
    if version:
        headers["if_match"] = f'"{version}"'
    inner = request.inner(route, WEB, **headers)
    held = request.db.connection if request.session_viewer is not None else None
    if held is not None:  # the caller has begun a transaction, of which this change is a part
        inner.db = inner.db.bound(held)
    dispatch.refuse_unpermitted(inner, route)
    if route.on is not None and not await route.on(inner.db, *ids):
        raise NotFound
    inner.query = query or (route.query and route.query())
    if route.body is not None:
        inner.raw = exact_json.encode(body)
        inner.data = decode(inner.raw, route.body)
    elif route.lines is not None:
        inner.raw = inner.data = raw
    if not route.dry:  # the handler does more than one transaction (see http/routing.py)
        return Result(await route.handler(inner, *ids), None)
    for attempt in range(dispatch.ATTEMPTS):
        try:
            return await _perform_once(inner, list(ids))
        except Retry:
            if attempt == dispatch.ATTEMPTS - 1 or held is not None:
                raise
    raise AssertionError


async def upload(
    request: Request,
    name: str,
    *ids: int,
    before_commit: Callable[[Request], Awaitable[None]] | None = None,
) -> Result:
    """Let the API's route of this name read a form with a file as it arrives. `before_commit` may
    change the form's other fields before they are stored. The result lacks the operation's id.
    """
    route = request.app.table.by_name[name]
    about_body = ("content-type", "content-length", "transfer-encoding")
    given = {name: request.headers[name] for name in about_body if name in request.headers}
    inner = request.inner(route, WEB, **given)
    inner.before_upload_commit = before_commit
    dispatch.refuse_unpermitted(inner, route)
    return Result(await route.handler(inner, *ids), None)


async def _perform_once(inner: Request, ids: list[int | str]) -> Result:
    route = inner.route
    assert route is not None
    preconditions.bind(inner, route)
    read_headers(inner, route)
    async with transaction(inner) as tx:
        response = await dispatch.respond(inner, route, ids)
        operation = await tx.value(_OPERATION)
    for user in inner.changed_users:
        inner.app.sessions.forget(user)
    return Result(response, operation)
