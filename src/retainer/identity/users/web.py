"""Handlers of users: one's own account, and the users that an admin manages."""

from datetime import timedelta

from starlette.responses import Response

from retainer.database.database import Values
from retainer.errors import NotFound, invalid
from retainer.http.body import sent
from retainer.http.request import Request
from retainer.http.responses import JSONResponse, record_response
from retainer.identity import tokens
from retainer.identity.users import name_guesses, store
from retainer.identity.users.model import Link, refuse_unknown_time_zone
from retainer.lists.response import list_response
from retainer.permissions import Viewer


async def show_own(request: Request) -> Response:
    return record_response(await store.read_own(request.db))


async def update_own(request: Request) -> Response:
    values = sent(request.data)
    refuse_unknown_time_zone(values.get("time_zone"))
    row = await store.update_own(request.db, values)
    request.forget(request.viewer.user)
    return record_response(row)


async def names(request: Request) -> Response:
    return await list_response(request)


async def index(request: Request) -> Response:
    return await list_response(request)


async def show(request: Request, id: int) -> Response:
    return record_response(await store.get(request.db, id))


async def create(request: Request) -> Response:
    async with name_guesses.limited(request), request.db.transaction() as tx:
        user = await store.create(tx, sent(request.data))
        await name_guesses.refuse_past_limit(tx)
    return record_response(user)


async def update(request: Request, id: int) -> Response:
    values = sent(request.data)
    if request.is_followed and id == request.viewer.user:
        _refuse_own_end(request.viewer, values)
    row = await store.update(request.db, id, values)
    request.forget(id)
    return record_response(row)


def _refuse_own_end(viewer: Viewer, values: Values) -> None:
    """Raise Invalid for one's own role or account changed by a line of many: the lines behind it
    would be nobody's.
    """
    remedy = "of your own account cannot be changed among other writes; send it alone"
    if values.get("role", viewer.role) != viewer.role:
        raise invalid("role", remedy)
    if values.get("is_active") is False:
        raise invalid("isActive", remedy)


async def end_sessions(request: Request, id: int) -> Response:
    if not await store.end_sessions(request.db, id):
        raise NotFound
    request.forget(id)
    return Response(status_code=204)


async def make_link(request: Request, id: int) -> Response:
    token = tokens.generate()
    lifetime = timedelta(hours=request.app.settings.link_hours)
    link = {"token_hash": tokens.digest(token), "lifetime": lifetime}
    expires_at = await store.make_link(request.db, id, link)
    if expires_at is None:
        raise NotFound
    # Browsers send nothing after the "#": the token reaches no log and no Referer.
    return JSONResponse(Link(f"{_origin(request)}/setup#token={token}", expires_at))


def _origin(request: Request) -> str:
    """Origin of the pages: as configured, else the one that this request was sent to."""
    configured = request.app.settings.public_url.rstrip("/")
    host = request.headers.get("host") or "localhost"
    return configured or f"{request.scope['scheme']}://{host}"
