"""The handlers of members."""

from retainer.body import sent
from retainer.errors import NotFound, invalid
from retainer.lists.answer import listed_of
from retainer.members import store
from retainer.organizations import store as organizations
from retainer.request import Answer, Request, empty, removed


async def index(request: Request, organization_id: int) -> Answer:
    return await listed_of(request, organizations.exists, organization_id)


async def create(request: Request, organization_id: int) -> Answer:
    body = request.body
    if await store.create(request.db, organization_id, body.contact_id, body.role) is None:
        if not await organizations.exists(request.db, organization_id):
            raise NotFound
        raise invalid("contactId", "there is no such contact; add the contact first")
    return empty(200)


async def update(request: Request, organization_id: int, contact_id: int) -> Answer:
    if not await store.update(request.db, organization_id, contact_id, sent(request.body)):
        raise NotFound
    return empty(200)


async def delete(request: Request, organization_id: int, contact_id: int) -> Answer:
    return removed(await store.delete(request.db, organization_id, contact_id))
