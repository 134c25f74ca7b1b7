"""The handler of the trash."""

from starlette.responses import Response

from retainer.http.request import Request
from retainer.lists.answer import listed


async def index(request: Request) -> Response:
    return await listed(request)
