"""The handler of the trash."""

from starlette.responses import Response

from retainer.http.request import Request
from retainer.lists.response import list_response


async def index(request: Request) -> Response:
    return await list_response(request)
