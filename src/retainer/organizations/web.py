"""The handlers of organizations."""

from retainer.body import sent
from retainer.errors import NotFound
from retainer.organizations import store
from retainer.request import Answer, Request, empty, found


async def index(request: Request) -> Answer:
    return await request.list(store.LIST)


async def create(request: Request) -> Answer:
    return found(await store.create(request.db, sent(request.body)))


async def show(request: Request, id: int) -> Answer:
    return found(await store.read(request.db, id))


async def update(request: Request, id: int) -> Answer:
    return found(await store.update(request.db, id, sent(request.body)))


async def delete(request: Request, id: int) -> Answer:
    if not await store.delete(request.db, id):
        raise NotFound
    return empty()


async def duplicate(request: Request, id: int) -> Answer:
    return found(await store.duplicate(request.db, id))
