"""Assigning a task: who does it learns of its organization only if they see it."""

from retainer.http.request import Request
from retainer.records.tasks import store


async def warning(request: Request, id: int, assignee: object) -> str:
    """Sentence for who assigns a task to somebody who does not see its organization; else ""."""
    if not isinstance(assignee, int):
        return ""
    name = await store.blind(request.db, id, assignee)
    if name is None:
        return ""
    return f". {name} does not see the organization that it is for"
