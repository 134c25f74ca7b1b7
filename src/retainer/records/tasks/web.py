"""Handlers of tasks."""

from starlette.responses import Response

from retainer.database.database import Values
from retainer.errors import FieldError, Invalid, camel, invalid
from retainer.http.body import sent
from retainer.http.request import Request
from retainer.http.responses import deleted_response, record_response
from retainer.lists.response import list_response, list_response_of
from retainer.records import people
from retainer.records.organizations import store as organizations
from retainer.records.tasks import store
from retainer.records.tasks.model import TaskCreate
from retainer.records.upsert import Upsert, put_by_external_id


async def index(request: Request) -> Response:
    return await list_response(request)


async def of_organization(request: Request, organization_id: int) -> Response:
    return await list_response_of(request, organizations.exists, organization_id)


async def create(request: Request) -> Response:
    values = sent(request.data)
    is_homeless = values["organization_id"] is None and values["project_id"] is None
    if is_homeless and request.viewer.scope != "all":
        raise invalid(
            "organizationId", "is required unless projectId is given; choose one that you may see"
        )
    row = await store.create(request.db, values)
    if row is None:
        await refuse_missing(request, values)
    return record_response(row)


async def show(request: Request, id: int) -> Response:
    return record_response(await store.get(request.db, id))


async def update(request: Request, id: int) -> Response:
    values = sent(request.data)
    row = await store.update(request.db, id, values)
    if row is None and await store.exists(request.db, id):
        await refuse_without_organization(request, id, values)
        await refuse_missing(request, values)
    return record_response(row)


async def put(request: Request, value: str) -> Response:
    return await put_by_external_id(request, value, UPSERT)


async def delete(request: Request, id: int) -> Response:
    return deleted_response(await store.delete(request.db, id))


async def refuse_without_organization(request: Request, id: int, values: Values) -> None:
    """Raise Invalid when a viewer who sees tasks through organizations would remove one from all of
    them: they would not see it any more. The same rule as in `create`; the update's own statement
    has judged by it, and this tells why it changed nothing.
    """
    homes = ("organization_id", "project_id")
    if request.viewer.scope == "all" or None not in [values.get(column, 0) for column in homes]:
        return
    stored = await store.read(request.db, id)
    if stored is None:
        return  # deleted meanwhile
    task = stored.decode(dict[str, object])
    before = {column: task.get(camel(column)) for column in homes}
    after = [values.get(column, before[column]) for column in homes]
    if any(before.values()) and not any(after):
        raise invalid(
            "organizationId",
            "must stay, or projectId: a task of neither would be out of your sight",
        )


async def refuse_missing(request: Request, values: Values) -> None:
    """Raise Invalid with the references that the viewer does not see."""
    missing = await store.missing(request.db, values)
    if missing:
        raise Invalid(*(FieldError(camel(column), MISSING[column]) for column in missing))


MISSING = {
    "organization_id": "there is no such organization, or none that you may see",
    "project_id": "there is no such project, or none that you may see",
    "assignee_id": people.NOT_NAMEABLE,
}

UPSERT = Upsert("tasks", "task", TaskCreate, create, update, store.get, store.BY_EXTERNAL_ID)
