"""Pages of tasks: the list, which begins as the viewer's own open tasks; one task; the forms."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from retainer.errors import Conflict, Invalid, NotFound, Problem
from retainer.http.fields import Audience
from retainer.http.request import Request
from retainer.journal.model import HistoryEntry
from retainer.lists.parameters import read as read_list
from retainer.pages import record_picker, render
from retainer.pages.edit import edit, refused
from retainer.pages.form import MAX_NAME, Field, Fields, form_page
from retainer.pages.journal.history import last_changes
from retainer.pages.list_page import ListPage, find, paginate, query_string
from retainer.pages.record_picker import ORGANIZATION
from retainer.pages.rows import MAX_ROW_ASSIGNEES, OrganizationName, ProjectRow, TaskRow
from retainer.pages.submit import perform
from retainer.pages.tasks.assigning import warning
from retainer.pages.tasks.filter_chips import OPEN, chips
from retainer.records.organizations import store as organizations
from retainer.records.organizations.model import Organization
from retainer.records.projects import store as projects
from retainer.records.projects.model import Project
from retainer.records.tasks import store
from retainer.records.tasks.model import (
    Task,
    TaskCreate,
    TaskPriority,
    TaskStatus,
    TaskUpdate,
    due_days,
    today,
)

STATUSES, PRIORITIES, AUDIENCES = list(TaskStatus), list(TaskPriority), list(Audience)
FIELDS = Fields(
    Field("title", "Title", required=True, autofocus=True, maxlength=MAX_NAME),
    Field("assigneeId", "Assignee", "select", empty="Nobody", reads="assignee", after="priority"),
    Field("dueDate", "Due date", "date", same_line=True, in_properties="own", after="assigneeId"),
    Field("organization", "Organization", in_form="own", in_properties="own", after="dueDate"),
    Field("status", "Status", "select", options=STATUSES, default="todo", required=True),
    Field("priority", "Priority", "select", options=PRIORITIES, default="medium", required=True,
          same_line=True),
    Field("audience", "Audience", "select", options=AUDIENCES, default="internal", required=True,
          permission="tasks.write"),
    Field("order", "Order", "number", default="0", in_form="no", permission="tasks.write"),
    Field("externalId", "External id", in_form="no"),
    Field("description", "Description", rows=3, in_properties="no"),
)  # fmt: skip
CHOICES: dict[str, Any] = {"statuses": STATUSES, "priorities": PRIORITIES, "open": OPEN}
_FORM_PARAMETERS = ("title", "organizationId", "projectId", "back")


async def index(request: Request) -> Response:
    """Show the tasks that the URL's parameters ask for; without any, the viewer's own open
    ones.
    """
    me = str(request.viewer.user)
    given = dict(request.query) or {"assigneeId": me, "status:in": OPEN, "sort": "dueDate"}
    typed_name, candidates = await record_picker.id_from_filter(request, ORGANIZATION, given)
    if typed_name and candidates is None:
        return render.redirect(request, "/tasks" + query_string(given))
    given.setdefault("sort", "dueDate")
    asked = read_list(store.LIST, urlencode(given).encode(), request.viewer.time_zone)
    request.query = asked._replace(is_composed=bool(request.query))
    page = await paginate(request, store.LIST, TaskRow, expand=("organization",))
    organization = await record_picker.organization_of(request, given.get("organizationId", ""))
    offered = await choices(request)
    return await render.page(
        request,
        "tasks/list.html",
        page=page,
        groups=grouped(request, page),
        candidates=candidates,
        typed_name=typed_name,
        organization=organization,
        chips=chips(page),
        is_own=given.get("assigneeId") == me,
        **offered,
    )


async def choices(request: Request) -> dict[str, Any]:
    """Choices of a task's fields, for forms (`people`) and for the rows of a list."""
    people = await record_picker.colleagues(request)
    return CHOICES | {
        "people": people,
        "row_people": people[:MAX_ROW_ASSIGNEES],
        "days": due_days(request.viewer.time_zone),
    }


def grouped(request: Request, page: ListPage[TaskRow]) -> list[tuple[str, list[TaskRow]]]:
    """Group the rows of a list sorted by due date under headings such as "This week". The heading
    is "" where the part before has it already, and for a list that is sorted otherwise.
    """
    if page.sort != "dueDate":
        return [("", page.rows)]
    now = today(request.viewer.time_zone)
    past = "Overdue"
    if _has_completed(page):
        past = "Earlier"
    last = _last_heading(request, now, past)
    found: list[tuple[str, list[TaskRow]]] = []
    for row in page.rows:
        heading = _heading(row.due_date, now, past)
        if heading != last:
            found.append((heading, []))
        elif not found:
            found.append(("", []))
        found[-1][1].append(row)
        last = heading
    return found


def _last_heading(request: Request, now: date, past: str) -> str | None:
    """Heading under which the part before ends; None on the first part."""
    if request.query is None or not request.query.position:
        return None
    due = request.query.position[0]
    if due == "infinity":  # the place in the list of tasks without a date
        return _heading(None, now, past)
    return _heading(date.fromisoformat(due), now, past)


def _has_completed(page: ListPage[TaskRow]) -> bool:
    """True when the filters let completed tasks through."""
    parameters = page.parameters
    if "status:in" in parameters or "status" in parameters:
        statuses = parameters.get("status:in", parameters.get("status", ""))
        return TaskStatus.COMPLETED in statuses.split(",")
    return "status:not" not in parameters


def _heading(due: date | None, now: date, past: str) -> str:
    if due is None:
        return "No date"
    if due < now:
        return past
    if due == now:
        return "Today"
    sunday = now + timedelta(days=6 - now.weekday())
    if due <= sunday:
        return "This week"
    if due <= sunday + timedelta(days=7):
        return "Next week"
    return "Later"


async def new(request: Request) -> Response:
    """Show the whole form, filled in from the URL's parameters."""
    given = {name: request.query[name] for name in _FORM_PARAMETERS if name in request.query}
    return await form(request, {"assigneeId": str(request.viewer.user)} | given)


async def form(
    request: Request, values: Mapping[str, str], problem: Problem | None = None
) -> Response:
    values = {**FIELDS.blank(), "back": "", "projectId": "", **values}
    of = values.get("organizationId", "")
    organization = await record_picker.organization_of(request, of)
    return await form_page(
        request,
        "tasks/form.html",
        problem,
        fields=FIELDS,
        values=values,
        organization=organization,
        cancel=render.own_path(values["back"], "/tasks"),
        choices={"assigneeId": await record_picker.colleagues(request)},
        projects=await projects_of(request, organization),
    )


async def projects_of(
    request: Request, organization: Organization | OrganizationName | None
) -> list[tuple[int, str]]:
    """Projects that a task of the organization may belong to, as choices."""
    if organization is None:
        return []
    found = await find(
        request,
        projects.OF_ORGANIZATION,
        Project,
        parent=organization.id,
        limit="200",
        sort="title",
    )
    return [(project.id, project.title) for project in found]


async def create(request: Request) -> Response:
    try:
        body = request.data.body(TaskCreate)
        if not body.get("organizationId"):
            body["organizationId"] = await organization_id(request)
        result = await perform(request, "createTask", body=body)
    except (Invalid, Conflict) as problem:
        return await form(request, request.data, problem)
    made = result.record(Task)
    path = render.return_path(request, f"/tasks/{made.id}")
    message = f"Added {made.title}" + await warning(request, made.id, made.assignee_id)
    return render.redirect(request, path, message, result.operation)


async def show_one(request: Request, id: int) -> Response:
    stored = await store.get(request.db, id)
    found = await find(request, store.LIST, TaskRow, id=str(id), expand="organization")
    if not found:
        raise NotFound
    task = found[0]
    organization = task.organization or await _project_organization(request, task.project_id)
    changes, offered = await last_changes(request, "tasks", id), await choices(request)
    own_projects = []
    if request.viewer.may("tasks.write"):
        own_projects = await projects_of(request, organization)
    return await render.page(
        request,
        "tasks/task.html",
        task=task,
        version=stored.etag,
        fields=FIELDS.told(request.viewer, "tasks"),
        organization=organization,
        changes=changes,
        projects=own_projects,
        choices={"assigneeId": offered["people"]},
        names=await _names(request, changes, offered["people"]),
        **offered,
    )


async def _names(
    request: Request, changes: list[HistoryEntry], people: list[tuple[int, str]]
) -> dict[str, dict[int, str]]:
    """Names of the records that changes refer to, by field and id."""
    field_changes = [change for entry in changes for change in entry.changes]
    ids = {
        field: sorted(
            {
                value
                for change in field_changes
                if change.field == field
                for value in (change.before, change.after)
                if value
            }
        )
        for field in ("organizationId", "projectId")
    }
    found = {"assigneeId": dict(people), "organizationId": {}, "projectId": {}}
    if ids["organizationId"]:
        asked = {"id:in": ",".join(map(str, ids["organizationId"]))}
        rows = await find(request, organizations.LIST, Organization, asked)
        found["organizationId"] = {one.id: one.name for one in rows}
    if ids["projectId"]:
        asked = {"id:in": ",".join(map(str, ids["projectId"]))}
        of_tasks = await find(request, projects.LIST, Project, asked)
        found["projectId"] = {one.id: one.title for one in of_tasks}
    return found


async def _project_organization(request: Request, project: int | None) -> OrganizationName | None:
    """Organization of a task's project, for a task that has none of its own."""
    if project is None:
        return None
    found = await find(request, projects.LIST, ProjectRow, id=str(project), expand="organization")
    return next((one.organization for one in found), None)


async def update(request: Request, id: int) -> Response:
    """Change the fields that were sent. If the form holds the task's version, the fields must be as
    it showed them.
    """
    path, sent = f"/tasks/{id}", request.data.body(TaskUpdate)
    try:
        if "organization" in request.data:
            sent |= await _moved(request, id)
    except Invalid as problem:
        return await refused(request, FIELDS, problem, path, sent, show_one)
    fields = render.changed_fields(sent)
    warned = await warning(request, id, sent.get("assigneeId"))
    return await edit(
        request,
        FIELDS,
        "updateTask",
        id,
        path,
        sent,
        lambda result: f"Changed {fields} of {result.record(Task).title}{warned}",
        show_one,
    )


async def _moved(request: Request, id: int) -> dict[str, int | None]:
    """Fields of a move to the organization that the form names; none where the task is there. A
    project of another organization stays behind.
    """
    task = (await store.get(request.db, id)).decode(Task)
    of_project = await _project_organization(request, task.project_id)
    here = (
        await record_picker.organization_of(request, str(task.organization_id or "")) or of_project
    )
    to = await record_picker.id_from_fields(request, ORGANIZATION, request.data, here)
    if to == (here and here.id):
        return {}
    moved: dict[str, int | None] = {"organizationId": to}
    if task.project_id is not None and to != (of_project and of_project.id):
        moved["projectId"] = None
    return moved


async def organization_id(request: Request) -> int | None:
    """Id of the organization that the form names; None if it names none."""
    return await record_picker.id_from_fields(request, ORGANIZATION, request.data)


async def complete(request: Request, id: int) -> Response:
    return await _set_status(request, id, TaskStatus.COMPLETED, "Completed")


async def reopen(request: Request, id: int) -> Response:
    return await _set_status(request, id, TaskStatus.TODO, "Reopened")


async def _set_status(request: Request, id: int, status: TaskStatus, verb: str) -> Response:
    result = await perform(request, "updateTask", id, body={"status": status})
    path = render.return_path(request, f"/tasks/{id}")
    message = f"{verb} {result.record(Task).title}"
    return render.redirect(request, path, message, result.operation)


async def delete(request: Request, id: int) -> Response:
    task = (await store.get(request.db, id)).decode(Task)
    result = await perform(request, "deleteTask", id)
    path = render.return_path(request, "/tasks")
    return render.redirect(request, path, f"Deleted {task.title}", result.operation)
