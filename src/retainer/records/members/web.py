"""Handlers of members."""

from starlette.responses import Response

from retainer.errors import NotFound, invalid
from retainer.http.body import sent
from retainer.http.request import Request
from retainer.http.responses import deleted_response, record_response, version_response
from retainer.lists.response import list_response_of
from retainer.records.members import store
from retainer.records.organizations import store as organizations


async def index(request: Request, organization_id: int) -> Response:
    return await list_response_of(request, organizations.exists, organization_id)


async def create(request: Request, organization_id: int) -> Response:
    body = request.data
    row = await store.create(request.db, organization_id, body.contact_id, body.role)
    if row is None:
        if not await organizations.exists(request.db, organization_id):
            raise NotFound
        raise invalid("contactId", "there is no such contact; add the contact first")
    return version_response(row)


async def show(request: Request, organization_id: int, contact_id: int) -> Response:
    return record_response(await store.get(request.db, organization_id, contact_id))


async def update(request: Request, organization_id: int, contact_id: int) -> Response:
    return version_response(
        await store.update(request.db, organization_id, contact_id, sent(request.data))
    )


async def delete(request: Request, organization_id: int, contact_id: int) -> Response:
    return deleted_response(await store.delete(request.db, organization_id, contact_id))
