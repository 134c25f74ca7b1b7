"""The pages of projects: the list, by when each is due, one project with its tasks and documents,
the forms.
"""

from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from retainer.errors import Conflict, Invalid, NotFound
from retainer.http.fields import Audience
from retainer.http.forms import blank
from retainer.http.request import Request
from retainer.journal import store as journal
from retainer.lists.parameters import read as read_list
from retainer.pages import record_picker, render
from retainer.pages.list_page import ListPage, find, paginate
from retainer.pages.submit import edit, perform
from retainer.records.documents import store as documents
from retainer.records.organizations import store as organizations
from retainer.records.projects import store
from retainer.records.projects.model import (
    OPEN,
    ProjectCreate,
    ProjectStatus,
    ProjectUpdate,
    stalled,
)
from retainer.records.tasks import store as tasks
from retainer.records.tasks.model import TaskCreate

AT_RISK = {"status:in": ",".join(OPEN), "dueDate:lt": "today"}
CHOICES: dict[str, Any] = {
    "statuses": list(ProjectStatus),
    "audiences": list(Audience),
    "open": OPEN,
}
OPEN_TASKS: dict[str, Any] = {"status:not": "completed", "sort": "dueDate"}
DEFAULT_SORT = "dueDate"  # the order, where none is asked for
MAX_ROWS = 50  # tasks and documents that a project's page shows
Row = dict[str, Any]


async def index(request: Request) -> Response:
    asked = dict(request.query)
    typed_name, candidates = await record_picker.id_from_filter(
        request, organizations.LIST, "organization", asked
    )
    request.query = read_list(
        store.LIST, urlencode({"sort": DEFAULT_SORT} | asked).encode(), request.viewer.time_zone
    )
    page = without_default_sort(await paginate(request, store.LIST, expand=("organization",)))
    of = page.parameters.get("organizationId", "")
    return await render.page(
        request,
        "projects/list.html",
        page=page,
        candidates=candidates,
        typed_name=typed_name,
        marks=stalled(page.rows),
        organization=await record_picker.organization_of(request, of),
        at_risk=AT_RISK,
        is_at_risk=AT_RISK.items() <= page.parameters.items(),
        **CHOICES,
    )


def without_default_sort(page: ListPage) -> ListPage:
    """The list, which was asked for nothing where its order is the usual one."""
    kept = {
        name: value
        for name, value in page.parameters.items()
        if (name, value) != ("sort", DEFAULT_SORT)
    }
    return page._replace(parameters=kept)


async def new(request: Request) -> Response:
    of = request.query.get("organizationId", "")
    return await form(request, {"organizationId": of, "title": request.query.get("title", "")})


async def form(
    request: Request, values: Row, problem: Invalid | Conflict | None = None
) -> Response:
    """What a new project takes; its organization is given, or named in words."""
    values = blank(ProjectCreate) | {"organization": ""} | values
    of = str(values["organizationId"] or "")
    organization = await record_picker.organization_of(request, of)
    return await render.page(
        request,
        "projects/form.html",
        status=problem.status if problem else 200,
        values=values,
        errors=render.field_errors(problem) if problem else {},
        organization=organization,
        candidates=record_picker.candidates_of(problem),
        **CHOICES,
    )


async def create(request: Request) -> Response:
    try:
        organization = await record_picker.id_from_form(request, organizations.LIST, "organization")
        body = request.data.body(ProjectCreate) | {"organizationId": organization}
        result = await perform(request, "createProject", body=body)
    except (Invalid, Conflict) as problem:
        return await form(request, dict(request.data), problem)
    made = result.record
    return render.redirect(
        request, f"/projects/{made['id']}", f"Added {made['title']}", result.operation
    )


async def show_one(request: Request, id: int) -> Response:
    row = await store.read(request.db, id)
    found = await find(request, store.LIST, id=str(id), expand="organization")
    if row is None or not found:
        raise NotFound
    return await render.page(
        request,
        "projects/project.html",
        project=found[0],
        version=f"{row[0]}-{row[1]}",
        people=await record_picker.colleagues(request),
        tasks=await find(request, tasks.LIST, projectId=str(id), limit=str(MAX_ROWS), **OPEN_TASKS),
        documents=await find(request, documents.LIST, projectId=str(id), limit=str(MAX_ROWS)),
        max_rows=MAX_ROWS,
        stalled=stalled(found).get(id, 0),
        changes=await find(request, journal.HISTORY["projects"], parent=id, limit="10")
        if request.viewer.may("history.read")
        else [],
        **CHOICES,
    )


async def update(request: Request, id: int) -> Response:
    """Change what the form has, while nobody else has changed the project since it was page."""
    path, sent = f"/projects/{id}", request.data.body(ProjectUpdate)
    what = render.changed_fields(sent)
    return await edit(
        request, "updateProject", id, path, sent, lambda made: f"Changed {what} of {made['title']}"
    )


async def delete(request: Request, id: int) -> Response:
    project = await read(request, id)
    result = await perform(request, "deleteProject", id)
    return render.redirect(
        request,
        render.return_path(request, "/projects"),
        f"Deleted {project['title']}",
        result.operation,
    )


async def read(request: Request, id: int) -> Row:
    row = await store.read(request.db, id)
    if row is None:
        raise NotFound
    project: Row = msgspec.json.decode(row[2])
    return project


# The tasks of a project, added in a line.


async def new_task(request: Request, id: int) -> Response:
    return await task_form(request, id, {"assigneeId": str(request.viewer.user)})


async def task_form(
    request: Request, id: int, values: Row, problem: Invalid | Conflict | None = None
) -> Response:
    """What the line takes, on a page of its own: where something in it was wrong."""
    return await render.page(
        request,
        "projects/task_form.html",
        status=problem.status if problem else 200,
        project=await read(request, id),
        values=blank(TaskCreate) | values,
        errors=render.field_errors(problem) if problem else {},
        people=await record_picker.colleagues(request),
    )


async def add_task(request: Request, id: int) -> Response:
    project = await read(request, id)
    body = request.data.body(TaskCreate) | {
        "projectId": id,
        "organizationId": project["organizationId"],
    }
    try:
        result = await perform(request, "createTask", body=body)
    except (Invalid, Conflict) as problem:
        return await task_form(request, id, dict(request.data), problem)
    return render.redirect(
        request, f"/projects/{id}", f"Added {result.record['title']}", result.operation
    )
