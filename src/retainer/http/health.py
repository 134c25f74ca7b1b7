"""Health for a supervisor or a proxy: is the process alive, can it do its work."""

from starlette.responses import Response

from retainer.errors import Unavailable
from retainer.http.request import Request
from retainer.http.responses import JSONResponse


async def alive(_request: Request) -> Response:
    """200 as long as the process answers; never touches the database."""
    return JSONResponse({"status": "ok"})


async def ready(request: Request) -> Response:
    """200 while the database answers and session changes are heard; else 503."""
    if not (request.app.database.is_up and request.app.sessions.listening):
        raise Unavailable
    return JSONResponse({"status": "ready"})
