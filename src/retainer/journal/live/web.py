"""The handler of GET /live: a stream of server-sent events, or a poll."""

import msgspec
from starlette.responses import Response, StreamingResponse

from retainer.http.request import Request
from retainer.http.responses import JSONResponse
from retainer.journal import changes
from retainer.journal.changes import Position
from retainer.journal.live.hub import Live

EVENT_STREAM = "text/event-stream"


class LiveQuery(msgspec.Struct):
    """The parameters of GET /live: a position that an earlier answer gave."""

    after: str | None = None


async def show(request: Request) -> Response:
    """A stream for clients that accept one, else the changes since the position."""
    given = request.headers.joined("last-event-id") or request.query.after
    after: Position | None = None
    if given:
        after = changes.parse_position(given)
    if EVENT_STREAM in request.headers.get("accept", "") and request.method == "GET":
        live = request.app.get(Live)
        stream = await live.open(request, after)
        return StreamingResponse(
            stream.events(request, live.leave),
            headers={"content-type": EVENT_STREAM, "x-accel-buffering": "no"},
        )
    position, buffer = await changes.since(request.db, after)
    return JSONResponse(
        buffer.change_set(position, with_operations=request.viewer.may("history.read"))
    )
