"""Tabs of an organization's page, with the forms on them; handlers.py has the first one.

Each is a page of its own design, so a noun gets a tab by hand: its handler here, its line with a
count in `frame.html`.
"""

from typing import Any

from starlette.responses import Response

from retainer.errors import Conflict, Invalid
from retainer.http.request import Request
from retainer.http.safe_writes.perform import transaction
from retainer.journal import store as journal
from retainer.journal.model import HistoryEntry
from retainer.lists.parameters import read
from retainer.pages import record_picker, render
from retainer.pages.activities.form import log_line
from retainer.pages.contacts.handlers import FIELDS as CONTACT_FIELDS
from retainer.pages.form import form_page
from retainer.pages.journal.history import UndoState, describe_history, undo_states
from retainer.pages.list_page import find, paginate
from retainer.pages.organizations.handlers import frame
from retainer.pages.record_picker import CONTACT
from retainer.pages.rows import MAX_ROW_ASSIGNEES, MemberRow
from retainer.pages.submit import perform
from retainer.records.activities import store as activities
from retainer.records.activities.model import ListedActivity
from retainer.records.contacts import store as contacts
from retainer.records.contacts.model import Contact, ContactCreate
from retainer.records.documents import store as documents
from retainer.records.documents.model import ListedDocument
from retainer.records.members import store as members
from retainer.records.members.model import MemberRole
from retainer.records.projects import store as projects
from retainer.records.projects.model import OPEN, Project, ProjectStatus, stalled
from retainer.records.tasks import store as tasks
from retainer.records.tasks.model import ListedTask, due_days

ROLES = list(MemberRole)
OPEN_TASKS = b"status:not=completed&sort=dueDate"
COMPLETED_TASKS = {"status": "completed", "sort": "-updatedAt", "limit": "20"}


async def show_projects(request: Request, id: int) -> Response:
    values = await frame(request, id)
    page = await paginate(request, projects.OF_ORGANIZATION, Project, parent=id)
    return await render.page(
        request,
        "organizations/projects.html",
        **values,
        tab="projects",
        page=page,
        open=OPEN,
        days_stalled=stalled(page.rows),
        project_statuses=list(ProjectStatus),
    )


async def show_members(request: Request, id: int) -> Response:
    return await members_page(request, id)


async def members_page(
    request: Request, id: int, problem: Invalid | Conflict | None = None
) -> Response:
    """Show the people; after a refused form also what was typed, its errors, and the contacts that
    may be meant.
    """
    entered, errors = {}, {}
    if problem is not None:
        entered, errors = dict(request.data), form_errors(problem)
    return await form_page(
        request,
        "organizations/members.html",
        problem,
        **await frame(request, id),
        tab="members",
        page=await paginate(
            request, members.LIST, MemberRow, parent=id, expand=("contact",), counted=False
        ),
        errors=errors,
        entered=entered,
        contact_fields=CONTACT_FIELDS,
        values={**CONTACT_FIELDS.blank(), "fullName": entered.get("contact", ""), **entered},
        roles=ROLES,
    )


def form_errors(problem: Invalid | Conflict) -> dict[str, str]:
    """Error messages by the form's fields: it names a contact where the API takes an id."""
    fields = {"contactId": "contact", "id": "contact", "q": "contact"}
    return {
        fields.get(name, name): message.replace("with PATCH instead", "below instead")
        for name, message in render.field_errors(problem).items()
    }


async def add_member(request: Request, id: int) -> Response:
    """Add a known contact, or a new one: then contact and membership are one change."""
    try:
        if "fullName" in request.data:
            return await add_new_contact(request, id)
        contact = await record_picker.id_from_form(request, CONTACT)
        result = await perform(request, "addMember", id, body=membership(request, contact))
    except (Invalid, Conflict) as problem:
        return await members_page(request, id, problem)
    return added_page(request, id, await contact_name(request, contact), result.operation)


async def add_new_contact(request: Request, id: int) -> Response:
    async with transaction(request):
        body = request.data.body(ContactCreate)
        made = (await perform(request, "createContact", body=body)).record(Contact)
        result = await perform(request, "addMember", id, body=membership(request, made.id))
    return added_page(request, id, made.full_name, result.operation)


def membership(request: Request, contact: int) -> dict[str, Any]:
    return {"contactId": contact, "role": request.data.get("role", "")}


def added_page(request: Request, id: int, name: str, operation: int | None) -> Response:
    message = f"Added {name} as {role_in_words(request)}"
    return render.redirect(request, f"/organizations/{id}/members", message, operation)


def role_in_words(request: Request) -> str:
    return str(request.data.get("role", "")).replace("_", " ")


async def change_member(request: Request, id: int, contact: int) -> Response:
    body = {"role": request.data.get("role", "")}
    result = await perform(request, "updateMember", id, contact, body=body)
    message = f"Made {await contact_name(request, contact)} {role_in_words(request)}"
    path = render.return_path(request, f"/organizations/{id}/members")
    return render.redirect(request, path, message, result.operation)


async def remove_member(request: Request, id: int, contact: int) -> Response:
    name = await contact_name(request, contact)
    result = await perform(request, "removeMember", id, contact)
    path = render.return_path(request, f"/organizations/{id}/members")
    return render.redirect(request, path, f"Removed {name}", result.operation)


async def contact_name(request: Request, contact: int) -> str:
    stored = await contacts.read(request.db, contact)
    if stored is None:
        return "the contact"
    return stored.decode(Contact).full_name


async def show_documents(request: Request, id: int) -> Response:
    """Show the documents of the organization and its projects, and where to drop files."""
    values = await frame(request, id)
    return await render.page(
        request,
        "organizations/documents.html",
        **values,
        tab="documents",
        page=await paginate(request, documents.OF_ORGANIZATION, ListedDocument, parent=id),
        upload_mb=request.app.settings.upload_mb,
    )


async def show_tasks(request: Request, id: int) -> Response:
    """Show the open tasks by their due dates, and those completed last."""
    values = await frame(request, id)
    request.query = (
        request.query
        or read(tasks.OF_ORGANIZATION, OPEN_TASKS, request.viewer.time_zone).of_program
    )
    people = values["owners"]
    return await render.page(
        request,
        "organizations/tasks.html",
        **values,
        tab="tasks",
        people=people,
        row_people=people[:MAX_ROW_ASSIGNEES],
        page=await paginate(request, tasks.OF_ORGANIZATION, ListedTask, parent=id),
        days=due_days(request.viewer.time_zone),
        done=await find(request, tasks.OF_ORGANIZATION, ListedTask, COMPLETED_TASKS, parent=id),
    )


async def show_activities(request: Request, id: int) -> Response:
    """Show the activities, the latest first, and a line to log another."""
    values = await frame(request, id)
    return await render.page(
        request,
        "organizations/activities.html",
        **values,
        tab="activities",
        **await log_line(request, id),
        page=await paginate(request, activities.OF_ORGANIZATION, ListedActivity, parent=id),
        people=values["owners"],
    )


async def show_history(request: Request, id: int) -> Response:
    values = await frame(request, id)
    history = journal.HISTORY["organizations"]
    page = await paginate(request, history, HistoryEntry, parent=id, counted=False)
    operations = [entry.operation.id for entry in page.rows]
    known = await undo_states(request, operations)
    return await render.page(
        request,
        "organizations/history.html",
        **values,
        tab="history",
        page=page,
        entries=await describe_history(request, id, page.rows),
        states={id: known.get(id) or UndoState(id) for id in operations},
    )
