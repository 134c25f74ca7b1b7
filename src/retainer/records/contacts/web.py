"""Handlers of contacts."""

from starlette.responses import Response

from retainer.errors import Conflict, NotFound
from retainer.http.body import sent
from retainer.http.request import Request
from retainer.http.responses import record_response
from retainer.lists.response import list_response
from retainer.records.contacts import store
from retainer.records.contacts.model import ContactCreate
from retainer.records.upsert import Upsert, put_by_external_id


async def index(request: Request) -> Response:
    return await list_response(request)


async def create(request: Request) -> Response:
    return record_response(await store.create(request.db, sent(request.data)))


async def show(request: Request, id: int) -> Response:
    return record_response(await store.get(request.db, id))


async def update(request: Request, id: int) -> Response:
    return record_response(await store.update(request.db, id, sent(request.data)))


async def put(request: Request, value: str) -> Response:
    return await put_by_external_id(request, value, UPSERT)


async def delete(request: Request, id: int) -> Response:
    uses = await store.delete(request.db, id)
    if uses is None:
        raise NotFound
    if uses["memberships"]:
        organizations = "an organization"
        if uses["memberships"] > 1:
            organizations = f"{uses['memberships']} organizations"
        raise Conflict(
            f"The contact is a member of {organizations}."
            ' Set it inactive instead: PUT with {"isActive": false}.'
        )
    if uses["username"]:
        raise Conflict(
            f"The contact is the person behind the user {uses['username']};"
            " give that user another first."
        )
    return Response(status_code=204)


UPSERT = Upsert(
    "contacts", "contact", ContactCreate, create, update, store.get, store.BY_EXTERNAL_ID
)
