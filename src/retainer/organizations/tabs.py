"""The tabs of an organization's page: its projects, its people, its history. Their forms come back to them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from retainer import diffs, pages, writes
from retainer.actions import perform
from retainer.contacts import store as contacts
from retainer.contacts.model import ContactCreate, ContactType
from retainer.errors import Conflict, FieldError, Invalid, NotFound
from retainer.journal import store as journal
from retainer.lists.shown import find, show
from retainer.members import store as members
from retainer.members.model import MemberRole
from retainer.organizations import store
from retainer.organizations.pages import frame
from retainer.projects import store as projects
from retainer.projects.model import ProjectStatus
from retainer.request import Answer, Request
from retainer.sentences import sentence

STALLED_DAYS = 30  # after which an active project that nobody has changed is marked
CHOICES = 8  # contacts that are proposed
ROLES = list(MemberRole)
_TOLD = {"organizationId", "contactId"}  # fields that the page and the sentence tell
Row = dict[str, Any]


async def show_projects(request: Request, id: int) -> Answer:
    values = await frame(request, id)
    shown = await show(request, projects.OF_ORGANIZATION, parent=id)
    for row in shown.rows:
        row["isStalled"] = row["status"] == "active" and row["updatedAt"] < ago(STALLED_DAYS)
    return await pages.page(
        request, "organizations/projects.html", **values, tab="projects", shown=shown, stalled_days=STALLED_DAYS,
        project_statuses=list(ProjectStatus),
    )  # fmt: skip


def ago(days: int) -> str:
    """A moment so many days ago, as the API writes it."""
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


async def show_members(request: Request, id: int) -> Answer:
    return await people(request, id)


async def people(request: Request, id: int, problem: Invalid | Conflict | None = None,
                 found: list[Row] | None = None) -> Answer:  # fmt: skip
    """The people, and what was typed to add one, with what is wrong and whom it could mean."""
    typed = dict(request.body) if problem else {}
    return await pages.page(
        request, "organizations/members.html", **await frame(request, id), tab="members",
        shown=await show(request, members.LIST, parent=id, expand=("contact",), counted=False),
        status=problem.status if problem else 200, errors=errors_of(problem) if problem else {},
        typed=typed, found=found or [], roles=ROLES, kinds=list(ContactType),
    )  # fmt: skip


def errors_of(problem: Invalid | Conflict) -> dict[str, str]:
    """What is wrong, by the fields of the form: there a contact is named, not numbered."""
    named = {"contactId": "contact", "id": "contact", "q": "contact"}
    found = {named.get(name, name): words for name, words in pages.errors_of(problem).items()}
    return {name: words.replace("with PATCH instead", "below instead") for name, words in found.items()}


async def choices(request: Request, id: int) -> Answer:
    """Contacts that what is being typed may mean."""
    if not await store.exists(request.db, id):
        raise NotFound
    found = await proposed(request, request.query.get("contact", ""))
    return await pages.page(request, "organizations/contact_choices.html", choices=found)


async def proposed(request: Request, text: str) -> list[Row]:
    if len(text.strip()) < 2:
        return []
    return await find(
        request, contacts.LIST, q=text.strip()[:200], limit=str(CHOICES), fields="id,fullName,email,title"
    )


async def add_member(request: Request, id: int) -> Answer:
    """Add a contact that is there, or a new one: contact and membership then are one change."""
    try:
        if "fullName" in request.body:
            return await add_new(request, id)
        found = await meant(request)
        if len(found) != 1:
            return await people(request, id, unclear(request, found), found)
        done = await perform(request, "addMember", id, body=membership(request, found[0]["id"]))
    except (Invalid, Conflict) as problem:
        return await people(request, id, problem)
    return added(request, id, found[0]["fullName"], done.operation)


async def add_new(request: Request, id: int) -> Answer:
    async with writes.held(request):
        made = (await perform(request, "createContact", body=request.body.body(ContactCreate))).record
        done = await perform(request, "addMember", id, body=membership(request, made["id"]))
    return added(request, id, made["fullName"], done.operation)


def membership(request: Request, contact: int) -> Row:
    return {"contactId": contact, "role": request.body.get("role", "")}


def added(request: Request, id: int, name: str, operation: int | None) -> Answer:
    words = f"Added {name} as {request.body.get('role', '').replace('_', ' ')}"
    return pages.redirect(request, f"/organizations/{id}/members", words, operation)


async def meant(request: Request) -> list[Row]:
    """The contacts that the form may mean: one, where it was chosen or is named by e-mail address or full name."""
    chosen, text = request.body.get("contactId", ""), request.body.get("contact", "").strip()
    if chosen:
        wanted = {"id": chosen}
    elif "@" in text:
        wanted = {"email": text.rpartition("<")[2].rstrip("> ")[:254]}
    else:
        found = await proposed(request, text)
        exact = [one for one in found if one["fullName"].casefold() == text.casefold()]
        return exact if len(exact) == 1 else found if len(found) != 1 else [*found, *found]
    return await find(request, contacts.LIST, limit="2", fields="id,fullName,email,title", **wanted)


def unclear(request: Request, found: list[Row]) -> Invalid:
    if not request.body.get("contact", "").strip():
        return Invalid(FieldError("contact", "names nobody yet; type a name or an e-mail address"))
    if found:
        return Invalid(FieldError("contact", "is not one contact's full name; choose whom you mean"))
    return Invalid(FieldError("contact", "is no contact that is there; add them below"))


async def change_member(request: Request, id: int, contact: int) -> Answer:
    done = await perform(request, "updateMember", id, contact, body={"role": request.body.get("role", "")})
    words = f"Made {await name_of(request, contact)} {request.body.get('role', '').replace('_', ' ')}"
    return pages.redirect(request, pages.back(request, f"/organizations/{id}/members"), words, done.operation)


async def remove_member(request: Request, id: int, contact: int) -> Answer:
    name = await name_of(request, contact)
    done = await perform(request, "removeMember", id, contact)
    return pages.redirect(
        request, pages.back(request, f"/organizations/{id}/members"), f"Removed {name}", done.operation
    )


async def name_of(request: Request, contact: int) -> str:
    row = await contacts.read(request.db, contact)
    return str(msgspec.json.decode(row[2])["fullName"]) if row else "the contact"


async def show_history(request: Request, id: int) -> Answer:
    values = await frame(request, id)
    shown = await show(request, journal.HISTORY["organizations"], parent=id, counted=False)
    return await pages.page(
        request, "organizations/history.html", **values, tab="history", shown=shown,
        entries=await entries(request, id, shown.rows),
    )  # fmt: skip


async def entries(request: Request, id: int, rows: list[Row]) -> list[Row]:
    """The entries of a history with their sentences, their diffs, and what can be undone."""
    titles = await journal.titles(request.db, diffs.of_rows(rows))
    operations = await journal.undoable(request.db, [row["operation"]["id"] for row in rows])
    for row in rows:
        group = {"id": row["entityId"], "alike": 1, "organizationId": id}
        row["sentence"] = sentence(row["operation"]["id"], [row | group], titles)
        row["lines"] = diffs.lines([change for change in row["changes"] if change["field"] not in _TOLD], titles)
        row["operation"] |= operations.get(row["operation"]["id"], {"canUndo": False, "undoneBy": None, "records": 1})
    return rows
