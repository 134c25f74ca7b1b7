"""The handlers of histories and operations."""

from starlette.responses import Response

from retainer.database.stored import Stored
from retainer.errors import Conflict, Forbidden, invalid
from retainer.http.request import Request
from retainer.http.responses import JSONResponse, record_response
from retainer.journal import store, undo_stack
from retainer.journal.model import UndoQuery
from retainer.journal.undo import undo
from retainer.journal.undo_part import Part
from retainer.journal.undo_preview import preview
from retainer.lists.response import list_response, list_response_of


async def of_record(request: Request, id: int) -> Response:
    """The history of a record that the viewer sees, as the route's `on` tells."""
    assert request.route is not None and request.route.on is not None
    return await list_response_of(request, request.route.on, id)


async def index(request: Request) -> Response:
    return await list_response(request)


async def show(request: Request, id: int) -> Response:
    return record_response(await store.get(request.db, id))


async def changes_of(request: Request, id: int) -> Response:
    return await list_response_of(request, store.exists, id)


async def undo_operation(request: Request, id: int) -> Response:
    try:
        return record_response(await _undo(request, id, _part(request.query)))
    except Forbidden:
        await request.record_refusal()
        raise


async def preview_undo(request: Request, id: int) -> Response:
    return JSONResponse(await preview(request.db, id, _part(request.query)))


async def undo_last(request: Request) -> Response:
    last = await undo_stack.last_done(request.db)
    if last is None:
        raise Conflict("There is nothing left to undo that you did within the last day.")
    return record_response(await _undo(request, last, None))


async def redo_last(request: Request) -> Response:
    last = await undo_stack.last_undone(request.db)
    if last is None:
        raise Conflict("There is nothing to redo: you undid nothing since you last did something.")
    return record_response(await _undo(request, last, None))


async def _undo(request: Request, id: int, part: Part | None) -> Stored | None:
    """The operation that undoes another one."""
    return await undo(request.db, request.viewer, id, part, request.extend_deadline)


def _part(query: UndoQuery) -> Part | None:
    """The part of the operation that is asked for. Raises Invalid for two of them."""
    if query.change is not None and query.record is not None:
        raise invalid("record", "must not be given together with change")
    if query.change is not None:
        return Part(change=query.change)
    if query.record is not None:
        entity, _, id = query.record.partition("/")
        return Part(entity=entity, record=int(id))
    return None
