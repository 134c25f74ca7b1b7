"""The handler of the trash."""

from retainer.http.request import Answer, Request
from retainer.lists.answer import listed


async def index(request: Request) -> Answer:
    return await listed(request)
