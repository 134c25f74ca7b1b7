"""Handlers of users: one's own account, and the users that an admin manages."""

from datetime import timedelta

from retainer.errors import NotFound
from retainer.http.body import sent
from retainer.http.request import Answer, Request, empty, encoded, found
from retainer.identity import tokens
from retainer.identity.users import store
from retainer.identity.users.model import Link, refuse_unknown_time_zone
from retainer.lists.answer import listed


async def show_own(request: Request) -> Answer:
    return found(await store.read_own(request.db))


async def update_own(request: Request) -> Answer:
    values = sent(request.body)
    refuse_unknown_time_zone(values.get("time_zone"))
    row = await store.update_own(request.db, values)
    request.forget(request.viewer.user)
    return found(row)


async def names(request: Request) -> Answer:
    return await listed(request)


async def index(request: Request) -> Answer:
    return await listed(request)


async def show(request: Request, id: int) -> Answer:
    return found(await store.get(request.db, id))


async def create(request: Request) -> Answer:
    return found(await store.create(request.db, sent(request.body)))


async def update(request: Request, id: int) -> Answer:
    row = await store.update(request.db, id, sent(request.body))
    request.forget(id)
    return found(row)


async def end_sessions(request: Request, id: int) -> Answer:
    if not await store.end_sessions(request.db, id):
        raise NotFound
    request.forget(id)
    return empty()


async def make_link(request: Request, id: int) -> Answer:
    token = tokens.generate()
    lifetime = timedelta(hours=request.app.settings.link_hours)
    link = {"token_hash": tokens.digest(token), "lifetime": lifetime}
    expires_at = await store.make_link(request.db, id, link)
    if expires_at is None:
        raise NotFound
    # Browsers send nothing after the "#": the token reaches no log and no Referer.
    return encoded(Link(f"{_origin(request)}/setup#token={token}", expires_at))


def _origin(request: Request) -> str:
    """Origin of the pages: as configured, else the one that this request was sent to."""
    configured = request.app.settings.public_url.rstrip("/")
    host = request.headers.get(b"host", b"localhost").decode("latin-1")
    return configured or f"{request.scope['scheme']}://{host}"
