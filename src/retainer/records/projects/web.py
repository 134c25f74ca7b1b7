"""The handlers of projects."""

from retainer.errors import invalid
from retainer.http.body import sent
from retainer.http.request import Answer, Request, found, removed
from retainer.lists.answer import listed, listed_of
from retainer.records.organizations import store as organizations
from retainer.records.projects import store


async def index(request: Request) -> Answer:
    return await listed(request)


async def of_organization(request: Request, organization_id: int) -> Answer:
    return await listed_of(request, organizations.exists, organization_id)


async def create(request: Request) -> Answer:
    row = await store.create(request.db, sent(request.body))
    if row is None:
        raise invalid("organizationId", "there is no such organization, or none that you may see")
    return found(row)


async def show(request: Request, id: int) -> Answer:
    return found(await store.get(request.db, id))


async def update(request: Request, id: int) -> Answer:
    return found(await store.update(request.db, id, sent(request.body)))


async def delete(request: Request, id: int) -> Answer:
    return removed(await store.delete(request.db, id))
