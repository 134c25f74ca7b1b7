"""The handlers of members."""

from retainer.errors import NotFound, invalid
from retainer.http.body import sent
from retainer.http.request import Answer, Request, changed, found, removed
from retainer.lists.answer import listed_of
from retainer.records.members import store
from retainer.records.organizations import store as organizations


async def index(request: Request, organization_id: int) -> Answer:
    return await listed_of(request, organizations.exists, organization_id)


async def create(request: Request, organization_id: int) -> Answer:
    body = request.body
    row = await store.create(request.db, organization_id, body.contact_id, body.role)
    if row is None:
        if not await organizations.exists(request.db, organization_id):
            raise NotFound
        raise invalid("contactId", "there is no such contact; add the contact first")
    return changed(row)


async def show(request: Request, organization_id: int, contact_id: int) -> Answer:
    return found(await store.get(request.db, organization_id, contact_id))


async def update(request: Request, organization_id: int, contact_id: int) -> Answer:
    return changed(await store.update(request.db, organization_id, contact_id, sent(request.body)))


async def delete(request: Request, organization_id: int, contact_id: int) -> Answer:
    return removed(await store.delete(request.db, organization_id, contact_id))
