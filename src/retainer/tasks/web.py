"""The handlers of tasks."""

from typing import Any

from retainer.body import sent
from retainer.database import camel
from retainer.errors import FieldError, Invalid, invalid
from retainer.organizations import store as organizations
from retainer.request import Answer, Request, found, removed
from retainer.tasks import store


async def index(request: Request) -> Answer:
    return await request.list(store.LIST)


async def of_organization(request: Request, organization_id: int) -> Answer:
    return await request.list_of(organizations.exists, organization_id, store.OF_ORGANIZATION)


async def create(request: Request) -> Answer:
    values = sent(request.body)
    if request.viewer.scope != "all" and values["organization_id"] is None and values["project_id"] is None:
        raise invalid("organizationId", "is required unless projectId is given; choose one that you may see")
    row = await store.create(request.db, values)
    if row is None:
        await refuse_missing(request, values)
    return found(row)


async def show(request: Request, id: int) -> Answer:
    return found(await store.read(request.db, id))


async def update(request: Request, id: int) -> Answer:
    values = sent(request.body)
    row = await store.update(request.db, id, values)
    if row is None and await store.exists(request.db, id):
        await refuse_missing(request, values)
    return found(row)


async def delete(request: Request, id: int) -> Answer:
    return removed(await store.delete(request.db, id))


async def refuse_missing(request: Request, values: dict[str, Any]) -> None:
    """Name what the task refers to and is not there for the viewer."""
    missing = await store.missing(request.db, values)
    if missing:
        words = "is nothing that is there and that you may see"
        raise Invalid(*(FieldError(camel(column), words) for column in missing))
