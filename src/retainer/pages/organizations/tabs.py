"""The tabs of an organization's page: its projects, its people, its history. Their forms come back
to them.
"""

from typing import Any

import msgspec

from retainer.errors import Conflict, Invalid
from retainer.http import safe_writes
from retainer.http.request import Answer, Request
from retainer.journal import store as journal
from retainer.pages import record_picker, render
from retainer.pages.journal import diffs
from retainer.pages.journal.sentences import sentence
from retainer.pages.list_page import show
from retainer.pages.organizations.handlers import frame
from retainer.pages.submit import perform
from retainer.records.contacts import store as contacts
from retainer.records.contacts.model import ContactCreate, ContactType
from retainer.records.members import store as members
from retainer.records.members.model import MemberRole
from retainer.records.projects import store as projects
from retainer.records.projects.model import OPEN, ProjectStatus, stalled

ROLES = list(MemberRole)
_TOLD = {"organizationId", "contactId"}  # fields that the page and the sentence tell
Row = dict[str, Any]


async def show_projects(request: Request, id: int) -> Answer:
    values = await frame(request, id)
    shown = await show(request, projects.OF_ORGANIZATION, parent=id)
    return await render.page(
        request,
        "organizations/projects.html",
        **values,
        tab="projects",
        shown=shown,
        open=OPEN,
        marks=stalled(shown.rows),
        project_statuses=list(ProjectStatus),
    )


async def show_members(request: Request, id: int) -> Answer:
    return await people(request, id)


async def people(request: Request, id: int, problem: Invalid | Conflict | None = None) -> Answer:
    """The people, and what was typed to add one, with what is wrong and whom it could mean."""
    typed = dict(request.body) if problem else {}
    return await render.page(
        request,
        "organizations/members.html",
        **await frame(request, id),
        tab="members",
        shown=await show(request, members.LIST, parent=id, expand=("contact",), counted=False),
        status=problem.status if problem else 200,
        errors=errors_of(problem) if problem else {},
        typed=typed,
        near=record_picker.near_of(problem),
        roles=ROLES,
        kinds=list(ContactType),
    )


def errors_of(problem: Invalid | Conflict) -> dict[str, str]:
    """What is wrong, by the fields of the form: there a contact is named, not numbered."""
    named = {"contactId": "contact", "id": "contact", "q": "contact"}
    found = {named.get(name, name): words for name, words in render.errors_of(problem).items()}
    return {
        name: words.replace("with PATCH instead", "below instead") for name, words in found.items()
    }


async def add_member(request: Request, id: int) -> Answer:
    """Add a contact that is there, or a new one: contact and membership then are one change."""
    try:
        if "fullName" in request.body:
            return await add_new(request, id)
        contact = await record_picker.of_form(request, contacts.LIST, "contact")
        done = await perform(request, "addMember", id, body=membership(request, contact))
    except (Invalid, Conflict) as problem:
        return await people(request, id, problem)
    return added(request, id, await name_of(request, contact), done.operation)


async def add_new(request: Request, id: int) -> Answer:
    async with safe_writes.held(request):
        made = (
            await perform(request, "createContact", body=request.body.body(ContactCreate))
        ).record
        done = await perform(request, "addMember", id, body=membership(request, made["id"]))
    return added(request, id, made["fullName"], done.operation)


def membership(request: Request, contact: int) -> Row:
    return {"contactId": contact, "role": request.body.get("role", "")}


def added(request: Request, id: int, name: str, operation: int | None) -> Answer:
    words = f"Added {name} as {request.body.get('role', '').replace('_', ' ')}"
    return render.redirect(request, f"/organizations/{id}/members", words, operation)


async def change_member(request: Request, id: int, contact: int) -> Answer:
    done = await perform(
        request, "updateMember", id, contact, body={"role": request.body.get("role", "")}
    )
    words = (
        f"Made {await name_of(request, contact)} {request.body.get('role', '').replace('_', ' ')}"
    )
    return render.redirect(
        request, render.back(request, f"/organizations/{id}/members"), words, done.operation
    )


async def remove_member(request: Request, id: int, contact: int) -> Answer:
    name = await name_of(request, contact)
    done = await perform(request, "removeMember", id, contact)
    return render.redirect(
        request,
        render.back(request, f"/organizations/{id}/members"),
        f"Removed {name}",
        done.operation,
    )


async def name_of(request: Request, contact: int) -> str:
    row = await contacts.read(request.db, contact)
    return str(msgspec.json.decode(row[2])["fullName"]) if row else "the contact"


async def show_history(request: Request, id: int) -> Answer:
    values = await frame(request, id)
    shown = await show(request, journal.HISTORY["organizations"], parent=id, counted=False)
    return await render.page(
        request,
        "organizations/history.html",
        **values,
        tab="history",
        shown=shown,
        entries=await entries(request, id, shown.rows),
    )


async def entries(request: Request, id: int, rows: list[Row]) -> list[Row]:
    """The entries of a history with their sentences, their diffs, and what can be undone."""
    titles = await journal.titles(request.db, diffs.of_rows(rows))
    operations = await journal.undoable(request.db, [row["operation"]["id"] for row in rows])
    for row in rows:
        group = {"id": row["entityId"], "alike": 1, "organizationId": id}
        row["sentence"] = sentence(row["operation"]["id"], [row | group], titles)
        row["lines"] = diffs.lines(
            [change for change in row["changes"] if change["field"] not in _TOLD], titles
        )
        row["operation"] |= operations.get(
            row["operation"]["id"], {"canUndo": False, "undoneBy": None, "records": 1}
        )
    return rows
