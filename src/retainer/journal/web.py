"""The handlers of histories and operations."""

from starlette.responses import Response

from retainer.errors import Forbidden
from retainer.http.request import Request
from retainer.http.responses import record_response
from retainer.identity.users import store as users
from retainer.journal import store
from retainer.journal.undo import undo
from retainer.lists.answer import listed, listed_of
from retainer.records.activities import store as activities
from retainer.records.contacts import store as contacts
from retainer.records.documents import store as documents
from retainer.records.organizations import store as organizations
from retainer.records.projects import store as projects
from retainer.records.tasks import store as tasks


async def of_organization(request: Request, id: int) -> Response:
    return await listed_of(request, organizations.exists, id)


async def of_contact(request: Request, id: int) -> Response:
    return await listed_of(request, contacts.exists, id)


async def of_project(request: Request, id: int) -> Response:
    return await listed_of(request, projects.exists, id)


async def of_task(request: Request, id: int) -> Response:
    return await listed_of(request, tasks.exists, id)


async def of_document(request: Request, id: int) -> Response:
    return await listed_of(request, documents.exists, id)


async def of_activity(request: Request, id: int) -> Response:
    return await listed_of(request, activities.exists, id)


async def of_user(request: Request, id: int) -> Response:
    return await listed_of(request, users.exists, id)


async def index(request: Request) -> Response:
    return await listed(request)


async def show(request: Request, id: int) -> Response:
    return record_response(await store.get(request.db, id))


async def undo_operation(request: Request, id: int) -> Response:
    try:
        return record_response(await undo(request.db, request.viewer, id))
    except Forbidden:
        await request.record_refusal()
        raise
