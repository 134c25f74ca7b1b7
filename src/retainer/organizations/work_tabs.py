"""The tabs of an organization that say what is to be done and what was: tasks and activities."""

from retainer import pages
from retainer.activities import store as activities
from retainer.lists.query import read
from retainer.lists.shown import find, show
from retainer.organizations import store
from retainer.organizations.happened import logging
from retainer.organizations.pages import frame
from retainer.request import Answer, Request
from retainer.tasks import store as tasks
from retainer.tasks.model import due_days

OPEN = b"status:not=completed&sort=dueDate"
COMPLETED = "50"  # of them, the latest
IN_ROWS = 30  # people that each row offers


async def tasks_tab(request: Request, id: int) -> Answer:
    """What is open, by when it is due, and what was completed last."""
    values = await frame(request, id)
    request.query = request.query or read(tasks.OF_ORGANIZATION, OPEN, request.viewer.time_zone)
    people = sorted(values["owners"], key=lambda one: one[0] != request.viewer.user)  # oneself first
    return await pages.page(
        request, "organizations/tasks.html", **values, tab="tasks", people=people, row_people=people[:IN_ROWS],
        shown=await show(request, tasks.OF_ORGANIZATION, parent=id), days=due_days(request.viewer.time_zone),
        done=await find(
            request, tasks.OF_ORGANIZATION, parent=id, status="completed", sort="-updatedAt", limit=COMPLETED
        ),
    )  # fmt: skip


async def activities_tab(request: Request, id: int) -> Answer:
    """What happened, the latest first, and a line to log more."""
    values = await frame(request, id)
    return await pages.page(
        request, "organizations/activities.html", **values, tab="activities", **await logging(request, id),
        shown=await show(request, activities.OF_ORGANIZATION, parent=id), people=values["owners"],
    )  # fmt: skip


async def choices(request: Request) -> Answer:
    """Names of organizations that come near to what is being typed, for a browser to propose."""
    typed = _typed(request)
    near = await find(request, store.LIST, q=typed, limit="8") if typed else []
    return await pages.page(request, "organizations/choices.html", near=near, names=[one["name"] for one in near])


def _typed(request: Request) -> str:
    text: str = request.query.get("organization", "")
    return text.strip()[:200]
