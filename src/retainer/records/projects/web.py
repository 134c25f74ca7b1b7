"""Handlers of projects."""

from starlette.responses import Response

from retainer.errors import invalid
from retainer.http.body import sent
from retainer.http.request import Request
from retainer.http.responses import record_response
from retainer.lists.response import list_response, list_response_of
from retainer.records.organizations import store as organizations
from retainer.records.projects import store
from retainer.records.projects.model import Project, ProjectCreate
from retainer.records.upsert import Upsert, put_by_external_id


async def index(request: Request) -> Response:
    return await list_response(request)


async def of_organization(request: Request, organization_id: int) -> Response:
    return await list_response_of(request, organizations.exists, organization_id)


async def create(request: Request) -> Response:
    row = await store.create(request.db, sent(request.data))
    if row is None:
        raise invalid("organizationId", "there is no such organization, or none that you may see")
    return record_response(row)


async def show(request: Request, id: int) -> Response:
    return record_response(await store.get(request.db, id))


async def update(request: Request, id: int) -> Response:
    return record_response(await store.update(request.db, id, sent(request.data)))


async def put(request: Request, value: str) -> Response:
    return await put_by_external_id(request, value, UPSERT)


async def _update_staying(request: Request, id: int) -> Response:
    """Change a project by a body that may name its organization, which stays."""
    values = sent(request.data)
    if "organization_id" in values:
        named = values.pop("organization_id")
        project = (await store.get(request.db, id)).decode(Project)
        if named != project.organization_id:
            raise invalid(
                "organizationId",
                f"must be {project.organization_id}, with which the project stays; or leave it out",
            )
    return record_response(await store.update(request.db, id, values))


UPSERT = Upsert(
    "projects",
    "project",
    ProjectCreate,
    create,
    _update_staying,
    store.get,
    store.BY_EXTERNAL_ID,
)
