"""The pages of tasks: the list, which is one's own open tasks at first, one task, and the forms."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from retainer.errors import Conflict, Invalid, NotFound, PreconditionFailed, Problem
from retainer.http.fields import Audience
from retainer.http.forms import blank
from retainer.http.request import Answer, Request
from retainer.identity.users import store as users
from retainer.journal import store as journal
from retainer.lists.parameters import read as read_list
from retainer.pages import record_picker, render
from retainer.pages.list_page import Shown, find, parameters, show
from retainer.pages.submit import Done, perform
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

WORDS: dict[str, Any] = {
    "statuses": list(TaskStatus),
    "priorities": list(TaskPriority),
    "audiences": list(Audience),
    "open": OPEN,
}
NAMED = [("organizationId", organizations.LIST, "name"), ("projectId", projects.LIST, "title")]
IN_ROWS = 30  # people that each row offers; a task's own page offers all
Row = dict[str, Any]


async def index(request: Request) -> Answer:
    """Without parameters one's own open tasks; whatever is asked for else stands in the address."""
    asked = dict(request.query) or {
        "assigneeId": str(request.viewer.user),
        "status:in": OPEN,
        "sort": "dueDate",
    }
    named, near = await record_picker.of_filter(request, organizations.LIST, "organization", asked)
    if named and near is None:
        return render.redirect(request, "/tasks" + parameters(asked))
    asked.setdefault("sort", "dueDate")
    request.query = read_list(store.LIST, urlencode(asked).encode(), request.viewer.time_zone)
    shown = await show(request, store.LIST, expand=("organization",))
    of = asked.get("organizationId", "")
    home = await find(request, organizations.LIST, id=of) if record_picker.ID.fullmatch(of) else []
    offered, me = await choices(request), request.viewer.user
    return await render.page(
        request,
        "tasks/list.html",
        shown=shown,
        groups=grouped(request, shown),
        near=near,
        named=named,
        home=home,
        chips=chips(shown, offered["people"], me, home),
        is_own=asked.get("assigneeId") == str(me),
        **offered,
    )


async def choices(request: Request) -> dict[str, Any]:
    """What the fields of tasks offer: all people, and those that each row of a list does."""
    people = await record_picker.people(request, users.NAMES)
    return WORDS | {
        "people": people,
        "row_people": people[:IN_ROWS],
        "days": due_days(request.viewer.time_zone),
    }


def grouped(request: Request, shown: Shown) -> list[tuple[str, list[Row]]]:
    """The rows under headings by when they are due, while the list is in that order; without one
    where the page before has it already.
    """
    if shown.sort != "dueDate":
        return [("", shown.rows)]
    now, past = today(request.viewer.time_zone), "Earlier" if _has_completed(shown) else "Overdue"
    query = request.query
    before = _group(query.place[0], now, past) if query is not None and query.place else None
    found: list[tuple[str, list[Row]]] = []
    for row in shown.rows:
        group = _group(row["dueDate"], now, past)
        if not found or group != (found[-1][0] or before):
            found.append(("" if group == before and not found else group, []))
        found[-1][1].append(row)
    return found


def _has_completed(shown: Shown) -> bool:
    asked = shown.asked
    named = asked.get(
        "status:in", asked.get("status", TaskStatus.COMPLETED if "status:not" not in asked else "")
    )
    return TaskStatus.COMPLETED in named.split(",")


def _group(due: str | None, now: date, past: str) -> str:
    if due is None or not due[:1].isdigit():  # as a place of the list, infinity
        return "No date"
    day = date.fromisoformat(due)
    if day <= now:
        return "Today" if day == now else past
    return "This week" if day <= now + timedelta(days=6 - now.weekday()) else "Later"


async def new(request: Request) -> Answer:
    """The whole form; the parameters of the address are its fields."""
    query = request.query
    values = {
        name: query[name]
        for name in ("title", "organizationId", "projectId", "back")
        if name in query
    }
    return await form(request, {"assigneeId": str(request.viewer.user)} | values)


async def form(request: Request, values: dict[str, Any], problem: Problem | None = None) -> Answer:
    values = blank(TaskCreate) | {"organization": "", "back": ""} | values
    of = str(values["organizationId"] or "")
    found = await find(request, organizations.LIST, id=of) if record_picker.ID.fullmatch(of) else []
    near = record_picker.near_of(problem)
    return await render.page(
        request,
        "tasks/form.html",
        status=problem.status if problem else 200,
        values=values,
        near=near,
        errors=render.errors_of(problem) if problem else {},
        organization=found[0] if found else None,
        cancel=render.ours(values["back"], "/tasks"),
        projects=await _projects(request, int(of)) if found else [],
        **await choices(request),
    )


async def _projects(request: Request, organization: int) -> list[tuple[int, str]]:
    found = await find(
        request, projects.OF_ORGANIZATION, parent=organization, limit="200", sort="title"
    )
    return [(project["id"], project["title"]) for project in found]


async def create(request: Request) -> Answer:
    try:
        body = request.body.body(TaskCreate)
        if not body.get("organizationId"):
            body["organizationId"] = await named(request)
        done = await perform(request, "createTask", body=body)
    except (Invalid, Conflict) as problem:
        return await form(request, dict(request.body), problem)
    path = render.back(request, f"/tasks/{done.record['id']}")
    return render.redirect(request, path, f"Added {done.record['title']}", done.operation)


async def show_one(request: Request, id: int) -> Answer:
    row = await store.read(request.db, id)
    found = await find(request, store.LIST, id=str(id), expand="organization")
    if row is None or not found:
        raise NotFound
    task = found[0]
    home = task["organization"] or await _home(request, task["projectId"])
    changes, offered = await _changes(request, id), await choices(request)
    return await render.page(
        request,
        "tasks/task.html",
        task=task,
        version=f"{row[0]}-{row[1]}",
        home=home,
        changes=changes,
        projects=await _projects(request, home["id"])
        if home and request.viewer.may("tasks.write")
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
    for field, spec, name in NAMED:
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


async def _home(request: Request, project: int | None) -> dict[str, Any] | None:
    """The organization of a task that only its project names."""
    found = (
        await find(request, projects.LIST, id=str(project), expand="organization")
        if project
        else []
    )
    return found[0]["organization"] if found else None


async def update(request: Request, id: int) -> Answer:
    """Change what the form has, while nobody else has changed the task since, where the form says
    since when.
    """
    path, sent = f"/tasks/{id}", request.body.body(TaskUpdate)
    try:
        if "organization" in request.body:
            sent |= await _moved(request)
        done = await perform(
            request, "updateTask", id, body=sent, version=request.body.get("version")
        )
    except PreconditionFailed as problem:
        return await render.conflict(request, problem, path, sent)
    except (Invalid, Conflict) as problem:
        return await render.not_saved(request, problem, path, sent)
    words = f"Changed {render.named(sent)} of {done.record['title']}"
    return render.redirect(request, render.back(request, path), words, done.operation)


async def _moved(request: Request) -> dict[str, Any]:
    """To another organization, by its name; a project of the one before does not go along."""
    return {"organizationId": await named(request), "projectId": None}


async def named(request: Request) -> int | None:
    """The organization that the form names, if it does."""
    return await record_picker.of_fields(request, organizations.LIST, "organization", request.body)


async def complete(request: Request, id: int) -> Answer:
    return await _set(request, id, TaskStatus.COMPLETED, "Completed")


async def reopen(request: Request, id: int) -> Answer:
    return await _set(request, id, TaskStatus.TODO, "Reopened")


async def _set(request: Request, id: int, status: TaskStatus, did: str) -> Answer:
    done: Done = await perform(request, "updateTask", id, body={"status": status})
    return render.redirect(
        request,
        render.back(request, f"/tasks/{id}"),
        f"{did} {done.record['title']}",
        done.operation,
    )


async def delete(request: Request, id: int) -> Answer:
    row = await store.read(request.db, id)
    done = await perform(request, "deleteTask", id)
    title = msgspec.json.decode(row[2])["title"] if row else "the task"
    return render.redirect(
        request, render.back(request, "/tasks"), f"Deleted {title}", done.operation
    )
