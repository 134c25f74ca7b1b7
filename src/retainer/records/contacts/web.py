"""The handlers of contacts."""

from retainer.errors import Conflict, NotFound
from retainer.http.body import sent
from retainer.http.request import Answer, Request, empty, found
from retainer.lists.answer import listed
from retainer.records.contacts import store


async def index(request: Request) -> Answer:
    return await listed(request)


async def create(request: Request) -> Answer:
    return found(await store.create(request.db, sent(request.body)))


async def show(request: Request, id: int) -> Answer:
    return found(await store.get(request.db, id))


async def update(request: Request, id: int) -> Answer:
    return found(await store.update(request.db, id, sent(request.body)))


async def delete(request: Request, id: int) -> Answer:
    uses = await store.delete(request.db, id)
    if uses is None:
        raise NotFound
    if uses["memberships"]:
        count = uses["memberships"]
        of = "an organization" if count == 1 else f"{count} organizations"
        raise Conflict(
            f'The contact is a member of {of}. Set it inactive instead: PUT with {{"isActive": false}}.'
        )
    if uses["username"]:
        raise Conflict(
            f"The contact is the person behind the user {uses['username']}; give that user another first."
        )
    return empty()
