"""The handlers of histories and operations."""

from starlette.responses import Response

from retainer.errors import Forbidden
from retainer.http.request import Request
from retainer.http.responses import record_response
from retainer.journal import store
from retainer.journal.undo import undo
from retainer.lists.response import list_response, list_response_of


async def of_record(request: Request, id: int) -> Response:
    """The history of a record that the viewer sees, as the route's `on` tells."""
    assert request.route is not None and request.route.on is not None
    return await list_response_of(request, request.route.on, id)


async def index(request: Request) -> Response:
    return await list_response(request)


async def show(request: Request, id: int) -> Response:
    return record_response(await store.get(request.db, id))


async def undo_operation(request: Request, id: int) -> Response:
    try:
        return record_response(await undo(request.db, request.viewer, id))
    except Forbidden:
        await request.record_refusal()
        raise
