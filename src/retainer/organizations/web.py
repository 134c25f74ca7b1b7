"""The handlers of organizations."""

from retainer.body import sent
from retainer.organizations import store
from retainer.listing import listed
from retainer.request import Answer, Request, found, removed


async def index(request: Request) -> Answer:
    return await listed(request)


async def create(request: Request) -> Answer:
    return found(await store.create(request.db, sent(request.body)))


async def show(request: Request, id: int) -> Answer:
    return found(await store.read(request.db, id))


async def update(request: Request, id: int) -> Answer:
    return found(await store.update(request.db, id, sent(request.body)))


async def delete(request: Request, id: int) -> Answer:
    return removed(await store.delete(request.db, id))


async def duplicate(request: Request, id: int) -> Answer:
    return found(await store.duplicate(request.db, id))
