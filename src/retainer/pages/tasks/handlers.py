"""The pages of tasks: the list, which is one's own open tasks at first, one task, and the forms."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from retainer.errors import Conflict, Invalid, NotFound, PreconditionFailed, Problem
from retainer.http.fields import Audience
from retainer.http.forms import blank
from retainer.http.request import Request
from retainer.journal import store as journal
from retainer.lists.parameters import read as read_list
from retainer.pages import record_picker, render
from retainer.pages.list_page import ListPage, find, paginate, query_string
from retainer.pages.submit import Result, perform
from retainer.pages.tasks.filter_chips import OPEN, chips
from retainer.records.organizations import store as organizations
from retainer.records.projects import store as projects
from retainer.records.tasks import store
from retainer.records.tasks.model import (
    TaskCreate,
    TaskPriority,
    TaskStatus,
    TaskUpdate,
    due_days,
    today,
)

CHOICES: dict[str, Any] = {
    "statuses": list(TaskStatus),
    "priorities": list(TaskPriority),
    "audiences": list(Audience),
    "open": OPEN,
}
REFERENCES = [("organizationId", organizations.LIST, "name"), ("projectId", projects.LIST, "title")]
MAX_ROW_ASSIGNEES = 30  # people that each row offers; a task's own page offers all
Row = dict[str, Any]


async def index(request: Request) -> Response:
    """Without parameters one's own open tasks; whatever is asked for else stands in the address."""
    asked = dict(request.query) or {
        "assigneeId": str(request.viewer.user),
        "status:in": OPEN,
        "sort": "dueDate",
    }
    typed_name, candidates = await record_picker.id_from_filter(
        request, organizations.LIST, "organization", asked
    )
    if typed_name and candidates is None:
        return render.redirect(request, "/tasks" + query_string(asked))
    asked.setdefault("sort", "dueDate")
    request.query = read_list(store.LIST, urlencode(asked).encode(), request.viewer.time_zone)
    page = await paginate(request, store.LIST, expand=("organization",))
    organization = await record_picker.organization_of(request, asked.get("organizationId", ""))
    offered, me = await choices(request), request.viewer.user
    return await render.page(
        request,
        "tasks/list.html",
        page=page,
        groups=grouped(request, page),
        candidates=candidates,
        typed_name=typed_name,
        organization=organization,
        chips=chips(page, offered["people"], me, organization),
        is_own=asked.get("assigneeId") == str(me),
        **offered,
    )


async def choices(request: Request) -> dict[str, Any]:
    """What the fields of tasks offer: all people, and those that each row of a list does."""
    people = await record_picker.colleagues(request)
    return CHOICES | {
        "people": people,
        "row_people": people[:MAX_ROW_ASSIGNEES],
        "days": due_days(request.viewer.time_zone),
    }


def grouped(request: Request, page: ListPage) -> list[tuple[str, list[Row]]]:
    """The rows under headings by when they are due, while the list is in that order; without one
    where the page before has it already.
    """
    if page.sort != "dueDate":
        return [("", page.rows)]
    now, past = today(request.viewer.time_zone), "Earlier" if _has_completed(page) else "Overdue"
    query = request.query
    before = _group(query.place[0], now, past) if query is not None and query.place else None
    found: list[tuple[str, list[Row]]] = []
    for row in page.rows:
        group = _group(row["dueDate"], now, past)
        if not found or group != (found[-1][0] or before):
            found.append(("" if group == before and not found else group, []))
        found[-1][1].append(row)
    return found


def _has_completed(page: ListPage) -> bool:
    parameters = page.parameters
    statuses = parameters.get(
        "status:in",
        parameters.get("status", TaskStatus.COMPLETED if "status:not" not in parameters else ""),
    )
    return TaskStatus.COMPLETED in statuses.split(",")


def _group(due: str | None, now: date, past: str) -> str:
    if due is None or not due[:1].isdigit():  # as a place of the list, infinity
        return "No date"
    day = date.fromisoformat(due)
    if day <= now:
        return "Today" if day == now else past
    return "This week" if day <= now + timedelta(days=6 - now.weekday()) else "Later"


async def new(request: Request) -> Response:
    """The whole form; the parameters of the address are its fields."""
    query = request.query
    values = {
        name: query[name]
        for name in ("title", "organizationId", "projectId", "back")
        if name in query
    }
    return await form(request, {"assigneeId": str(request.viewer.user)} | values)


async def form(
    request: Request, values: dict[str, Any], problem: Problem | None = None
) -> Response:
    values = blank(TaskCreate) | {"organization": "", "back": ""} | values
    organization = await record_picker.organization_of(request, str(values["organizationId"] or ""))
    candidates = record_picker.candidates_of(problem)
    return await render.page(
        request,
        "tasks/form.html",
        status=problem.status if problem else 200,
        values=values,
        candidates=candidates,
        errors=render.field_errors(problem) if problem else {},
        organization=organization,
        cancel=render.own_path(values["back"], "/tasks"),
        projects=await _projects(request, organization["id"]) if organization else [],
        **await choices(request),
    )


async def _projects(request: Request, organization: int) -> list[tuple[int, str]]:
    found = await find(
        request, projects.OF_ORGANIZATION, parent=organization, limit="200", sort="title"
    )
    return [(project["id"], project["title"]) for project in found]


async def create(request: Request) -> Response:
    try:
        body = request.data.body(TaskCreate)
        if not body.get("organizationId"):
            body["organizationId"] = await organization_id(request)
        result = await perform(request, "createTask", body=body)
    except (Invalid, Conflict) as problem:
        return await form(request, dict(request.data), problem)
    path = render.return_path(request, f"/tasks/{result.record['id']}")
    return render.redirect(request, path, f"Added {result.record['title']}", result.operation)


async def show_one(request: Request, id: int) -> Response:
    row = await store.read(request.db, id)
    found = await find(request, store.LIST, id=str(id), expand="organization")
    if row is None or not found:
        raise NotFound
    task = found[0]
    organization = task["organization"] or await _project_organization(request, task["projectId"])
    changes, offered = await _changes(request, id), await choices(request)
    return await render.page(
        request,
        "tasks/task.html",
        task=task,
        version=f"{row[0]}-{row[1]}",
        organization=organization,
        changes=changes,
        projects=await _projects(request, organization["id"])
        if organization and request.viewer.may("tasks.write")
        else [],
        names=await _names(request, changes, offered["people"]),
        **offered,
    )


async def _changes(request: Request, id: int) -> list[dict[str, Any]]:
    """What happened to it last, for those who may know."""
    if not request.viewer.may("history.read"):
        return []
    return await find(request, journal.HISTORY["tasks"], parent=id, limit="10")


async def _names(
    request: Request, changes: list[dict[str, Any]], people: list[tuple[int, str]]
) -> dict[str, dict[int, str]]:
    """What the changes call by ids, by field and id."""
    found: dict[str, dict[int, str]] = {"assigneeId": dict(people)}
    for field, spec, name in REFERENCES:
        told = [
            change for entry in changes for change in entry["changes"] if change["field"] == field
        ]
        ids = {
            str(value) for change in told for value in (change["before"], change["after"]) if value
        }
        asked: Any = {"id:in": ",".join(sorted(ids))}
        rows = await find(request, spec, **asked) if ids else []
        found[field] = {row["id"]: row[name] for row in rows}
    return found


async def _project_organization(request: Request, project: int | None) -> dict[str, Any] | None:
    """The organization of a task that only its project names."""
    found = (
        await find(request, projects.LIST, id=str(project), expand="organization")
        if project
        else []
    )
    return found[0]["organization"] if found else None


async def update(request: Request, id: int) -> Response:
    """Change what the form has, while nobody else has changed the task since, where the form says
    since when.
    """
    path, sent = f"/tasks/{id}", request.data.body(TaskUpdate)
    try:
        if "organization" in request.data:
            sent |= await _moved(request)
        result = await perform(
            request, "updateTask", id, body=sent, version=request.data.get("version")
        )
    except PreconditionFailed as problem:
        return await render.conflict(request, problem, path, sent)
    except (Invalid, Conflict) as problem:
        return await render.not_saved(request, problem, path, sent)
    words = f"Changed {render.changed_fields(sent)} of {result.record['title']}"
    return render.redirect(request, render.return_path(request, path), words, result.operation)


async def _moved(request: Request) -> dict[str, Any]:
    """To another organization, by its name; a project of the one before does not go along."""
    return {"organizationId": await organization_id(request), "projectId": None}


async def organization_id(request: Request) -> int | None:
    """The organization that the form names, if it does."""
    return await record_picker.id_from_fields(
        request, organizations.LIST, "organization", request.data
    )


async def complete(request: Request, id: int) -> Response:
    return await _set(request, id, TaskStatus.COMPLETED, "Completed")


async def reopen(request: Request, id: int) -> Response:
    return await _set(request, id, TaskStatus.TODO, "Reopened")


async def _set(request: Request, id: int, status: TaskStatus, verb: str) -> Response:
    result: Result = await perform(request, "updateTask", id, body={"status": status})
    return render.redirect(
        request,
        render.return_path(request, f"/tasks/{id}"),
        f"{verb} {result.record['title']}",
        result.operation,
    )


async def delete(request: Request, id: int) -> Response:
    row = await store.read(request.db, id)
    result = await perform(request, "deleteTask", id)
    title = msgspec.json.decode(row[2])["title"] if row else "the task"
    return render.redirect(
        request, render.return_path(request, "/tasks"), f"Deleted {title}", result.operation
    )
