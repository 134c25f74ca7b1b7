"""The tabs of an organization that say what is to be done and what was: tasks and activities."""

from retainer.http.request import Answer, Request
from retainer.lists.parameters import read
from retainer.pages import render
from retainer.pages.activities.latest import logging
from retainer.pages.list_page import find, show
from retainer.pages.organizations.handlers import frame
from retainer.records.activities import store as activities
from retainer.records.tasks import store as tasks
from retainer.records.tasks.model import due_days

OPEN = b"status:not=completed&sort=dueDate"
COMPLETED = "50"  # of them, the latest
IN_ROWS = 30  # people that each row offers


async def tasks_tab(request: Request, id: int) -> Answer:
    """What is open, by when it is due, and what was completed last."""
    values = await frame(request, id)
    request.query = request.query or read(tasks.OF_ORGANIZATION, OPEN, request.viewer.time_zone)
    people = values["owners"]
    return await render.page(
        request,
        "organizations/tasks.html",
        **values,
        tab="tasks",
        people=people,
        row_people=people[:IN_ROWS],
        shown=await show(request, tasks.OF_ORGANIZATION, parent=id),
        days=due_days(request.viewer.time_zone),
        done=await find(
            request,
            tasks.OF_ORGANIZATION,
            parent=id,
            status="completed",
            sort="-updatedAt",
            limit=COMPLETED,
        ),
    )


async def activities_tab(request: Request, id: int) -> Answer:
    """What happened, the latest first, and a line to log more."""
    values = await frame(request, id)
    return await render.page(
        request,
        "organizations/activities.html",
        **values,
        tab="activities",
        **await logging(request, id),
        shown=await show(request, activities.OF_ORGANIZATION, parent=id),
        people=values["owners"],
    )
