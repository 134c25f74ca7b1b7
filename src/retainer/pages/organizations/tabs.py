"""The tabs of an organization's page but the first: what each shows, and the forms on it."""

from typing import Any

import msgspec
from starlette.responses import Response

from retainer.errors import Conflict, Invalid
from retainer.http.request import Request
from retainer.http.safe_writes.perform import transaction
from retainer.journal import store as journal
from retainer.lists.parameters import read
from retainer.pages import record_picker, render
from retainer.pages.activities.form import log_line
from retainer.pages.journal import diffs
from retainer.pages.journal.sentences import sentence
from retainer.pages.list_page import find, paginate
from retainer.pages.organizations.handlers import frame
from retainer.pages.submit import perform
from retainer.records.activities import store as activities
from retainer.records.contacts import store as contacts
from retainer.records.contacts.model import ContactCreate, ContactType
from retainer.records.documents import store as documents
from retainer.records.members import store as members
from retainer.records.members.model import MemberRole
from retainer.records.projects import store as projects
from retainer.records.projects.model import OPEN, ProjectStatus, stalled
from retainer.records.tasks import store as tasks
from retainer.records.tasks.model import due_days

ROLES = list(MemberRole)
OPEN_TASKS = b"status:not=completed&sort=dueDate"
COMPLETED = "50"  # tasks that are done, the latest
MAX_ROW_ASSIGNEES = 30  # people that each row offers
_IN_SENTENCE = {"organizationId", "contactId"}  # fields that the page and the sentence tell
Row = dict[str, Any]


async def show_projects(request: Request, id: int) -> Response:
    values = await frame(request, id)
    page = await paginate(request, projects.OF_ORGANIZATION, parent=id)
    return await render.page(
        request,
        "organizations/projects.html",
        **values,
        tab="projects",
        page=page,
        open=OPEN,
        marks=stalled(page.rows),
        project_statuses=list(ProjectStatus),
    )


async def show_members(request: Request, id: int) -> Response:
    return await members_page(request, id)


async def members_page(
    request: Request, id: int, problem: Invalid | Conflict | None = None
) -> Response:
    """The people, and what was typed to add one, with what is wrong and whom it could mean."""
    typed = dict(request.data) if problem else {}
    return await render.page(
        request,
        "organizations/members.html",
        **await frame(request, id),
        tab="members",
        page=await paginate(request, members.LIST, parent=id, expand=("contact",), counted=False),
        status=problem.status if problem else 200,
        errors=form_errors(problem) if problem else {},
        typed=typed,
        candidates=record_picker.candidates_of(problem),
        roles=ROLES,
        kinds=list(ContactType),
    )


def form_errors(problem: Invalid | Conflict) -> dict[str, str]:
    """What is wrong, by the fields of the form: there a contact is named, not numbered."""
    named = {"contactId": "contact", "id": "contact", "q": "contact"}
    found = {named.get(name, name): words for name, words in render.field_errors(problem).items()}
    return {
        name: words.replace("with PATCH instead", "below instead") for name, words in found.items()
    }


async def add_member(request: Request, id: int) -> Response:
    """Add a contact that is there, or a new one: contact and membership then are one change."""
    try:
        if "fullName" in request.data:
            return await add_new_contact(request, id)
        contact = await record_picker.id_from_form(request, contacts.LIST, "contact")
        result = await perform(request, "addMember", id, body=membership(request, contact))
    except (Invalid, Conflict) as problem:
        return await members_page(request, id, problem)
    return added_page(request, id, await name_of(request, contact), result.operation)


async def add_new_contact(request: Request, id: int) -> Response:
    async with transaction(request):
        made = (
            await perform(request, "createContact", body=request.data.body(ContactCreate))
        ).record
        result = await perform(request, "addMember", id, body=membership(request, made["id"]))
    return added_page(request, id, made["fullName"], result.operation)


def membership(request: Request, contact: int) -> Row:
    return {"contactId": contact, "role": request.data.get("role", "")}


def added_page(request: Request, id: int, name: str, operation: int | None) -> Response:
    words = f"Added {name} as {request.data.get('role', '').replace('_', ' ')}"
    return render.redirect(request, f"/organizations/{id}/members", words, operation)


async def change_member(request: Request, id: int, contact: int) -> Response:
    result = await perform(
        request, "updateMember", id, contact, body={"role": request.data.get("role", "")}
    )
    words = (
        f"Made {await name_of(request, contact)} {request.data.get('role', '').replace('_', ' ')}"
    )
    return render.redirect(
        request,
        render.return_path(request, f"/organizations/{id}/members"),
        words,
        result.operation,
    )


async def remove_member(request: Request, id: int, contact: int) -> Response:
    name = await name_of(request, contact)
    result = await perform(request, "removeMember", id, contact)
    return render.redirect(
        request,
        render.return_path(request, f"/organizations/{id}/members"),
        f"Removed {name}",
        result.operation,
    )


async def name_of(request: Request, contact: int) -> str:
    row = await contacts.read(request.db, contact)
    return str(msgspec.json.decode(row[2])["fullName"]) if row else "the contact"


async def show_documents(request: Request, id: int) -> Response:
    """The documents of the organization and of its projects; files are dropped here."""
    values = await frame(request, id)
    return await render.page(
        request,
        "organizations/documents.html",
        **values,
        tab="documents",
        page=await paginate(request, documents.OF_ORGANIZATION, parent=id),
        upload_mb=request.app.settings.upload_mb,
    )


async def show_tasks(request: Request, id: int) -> Response:
    """What is open, by when it is due, and what was completed last."""
    values = await frame(request, id)
    request.query = request.query or read(
        tasks.OF_ORGANIZATION, OPEN_TASKS, request.viewer.time_zone
    )
    people = values["owners"]
    return await render.page(
        request,
        "organizations/tasks.html",
        **values,
        tab="tasks",
        people=people,
        row_people=people[:MAX_ROW_ASSIGNEES],
        page=await paginate(request, tasks.OF_ORGANIZATION, parent=id),
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


async def show_activities(request: Request, id: int) -> Response:
    """What happened, the latest first, and a line to log more."""
    values = await frame(request, id)
    return await render.page(
        request,
        "organizations/activities.html",
        **values,
        tab="activities",
        **await log_line(request, id),
        page=await paginate(request, activities.OF_ORGANIZATION, parent=id),
        people=values["owners"],
    )


async def show_history(request: Request, id: int) -> Response:
    values = await frame(request, id)
    page = await paginate(request, journal.HISTORY["organizations"], parent=id, counted=False)
    return await render.page(
        request,
        "organizations/history.html",
        **values,
        tab="history",
        page=page,
        entries=await entries(request, id, page.rows),
    )


async def entries(request: Request, id: int, rows: list[Row]) -> list[Row]:
    """The entries of a history with their sentences, their diffs, and what can be undone."""
    titles = await journal.titles(request.db, diffs.records_in(rows))
    operations = await journal.undoable(request.db, [row["operation"]["id"] for row in rows])
    for row in rows:
        group = {"id": row["entityId"], "alike": 1, "organizationId": id}
        row["sentence"] = sentence(row["operation"]["id"], [row | group], titles)
        row["lines"] = diffs.lines(
            [change for change in row["changes"] if change["field"] not in _IN_SENTENCE], titles
        )
        row["operation"] |= operations.get(
            row["operation"]["id"], {"canUndo": False, "undoneBy": None, "records": 1}
        )
    return rows
