"""Handlers of organizations."""

from starlette.responses import Response

from retainer.database.database import Db, Values
from retainer.errors import FieldError, Invalid, camel
from retainer.http.body import sent
from retainer.http.request import Request
from retainer.http.responses import record_response
from retainer.lists.response import list_response
from retainer.records import people
from retainer.records.organizations import store
from retainer.records.organizations.duplicate import copy


async def index(request: Request) -> Response:
    return await list_response(request)


async def create(request: Request) -> Response:
    values = sent(request.data)
    row = await store.create(request.db, values)
    if row is None:
        await refuse_missing(request.db, values)
    return record_response(row)


async def show(request: Request, id: int) -> Response:
    return record_response(await store.get(request.db, id))


async def update(request: Request, id: int) -> Response:
    values = sent(request.data)
    row = await store.update(request.db, id, values)
    if row is None and await store.exists(request.db, id):
        await refuse_missing(request.db, values)
    return record_response(row)


async def duplicate(request: Request, id: int) -> Response:
    return record_response(await copy(request.db, id))


async def refuse_missing(db: Db, values: Values) -> None:
    """Raise Invalid with the references that the viewer does not see."""
    missing = await store.missing(db, values)
    if missing:
        raise Invalid(*(FieldError(camel(column), MISSING[column]) for column in missing))


MISSING = {
    "parent_id": "is no organization that is there and that you may see",
    "owner_id": people.NOT_NAMEABLE,
}
