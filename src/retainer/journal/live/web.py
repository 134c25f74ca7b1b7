"""The handler of GET /live: a stream of server-sent events, or a poll."""

import msgspec

from retainer.http.request import Answer, Request, encoded
from retainer.journal import changes

EVENT_STREAM = b"text/event-stream"
_HEADERS = ((b"content-type", EVENT_STREAM), (b"x-accel-buffering", b"no"))


class LiveQuery(msgspec.Struct):
    """The parameters of GET /live: a position that an earlier answer gave."""

    after: str | None = None


async def show(request: Request) -> Answer:
    """A stream for who accepts one, else what has changed since the position."""
    given = request.header(b"last-event-id") or request.query.after
    after = changes.parse_position(given) if given else None
    if EVENT_STREAM in request.headers.get(b"accept", b"") and request.method == "GET":
        stream = await request.app.live.open(request, after)
        return Answer(200, stream.events(request, request.app.live.leave), *_HEADERS)
    position, buffer = await changes.since(request.db, after)
    return encoded(buffer.change_set(position, with_operations=request.viewer.may("history.read")))
