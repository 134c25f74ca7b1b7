"""The handler of the trash."""

from retainer.lists.answer import listed
from retainer.request import Answer, Request


async def index(request: Request) -> Answer:
    return await listed(request)
