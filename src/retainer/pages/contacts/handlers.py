"""The pages of contacts: the list, one person with all their organizations, the forms."""

from collections import Counter
from typing import Any

import msgspec
from starlette.responses import Response

from retainer.database.database import Db
from retainer.errors import Conflict, Invalid, NotFound
from retainer.http.forms import blank
from retainer.http.request import Request
from retainer.journal import store as journal
from retainer.pages import record_picker, render
from retainer.pages.list_page import find, paginate
from retainer.pages.submit import edit, perform
from retainer.records.activities import store as activities
from retainer.records.contacts import store
from retainer.records.contacts.model import ContactCreate, ContactType, ContactUpdate
from retainer.records.members import store as members
from retainer.records.members.model import MemberRole
from retainer.records.organizations import store as organizations

CHOICES: dict[str, Any] = {"types": list(ContactType), "roles": list(MemberRole)}
MAX_ORGANIZATIONS = 100  # of one contact, that its page shows
MAX_TOUCHES = 50  # activities that tell who knows a contact
SHOWN_TOUCHES = 8  # of these, that its page shows
Row = dict[str, Any]


async def index(request: Request) -> Response:
    return await render.page(
        request, "contacts/list.html", page=await paginate(request, store.LIST), **CHOICES
    )


async def new(request: Request) -> Response:
    return await form(
        request, {"type": ContactType.CLIENT, "fullName": request.query.get("name", "")}
    )


async def form(
    request: Request, values: Row, problem: Invalid | Conflict | None = None
) -> Response:
    """What a new contact takes; an e-mail address that is taken is told with whose it is."""
    values = blank(ContactCreate) | values
    taken = (
        await find(request, store.LIST, email=values["email"], limit="1")
        if isinstance(problem, Conflict)
        else []
    )
    return await render.page(
        request,
        "contacts/form.html",
        status=problem.status if problem else 200,
        values=values,
        taken=taken,
        errors=render.field_errors(problem) if problem else {},
        **CHOICES,
    )


async def create(request: Request) -> Response:
    try:
        result = await perform(request, "createContact", body=request.data.body(ContactCreate))
    except (Invalid, Conflict) as problem:
        return await form(request, dict(request.data), problem)
    made = result.record
    return render.redirect(
        request, f"/contacts/{made['id']}", f"Added {made['fullName']}", result.operation
    )


async def show_one(request: Request, id: int) -> Response:
    row = await store.read(request.db, id)
    if row is None:
        raise NotFound
    touches = await find(
        request, activities.LIST, contactId=str(id), limit=str(MAX_TOUCHES), expand="organization"
    )
    return await render.page(
        request,
        "contacts/contact.html",
        contact=msgspec.json.decode(row[2]),
        version=f"{row[0]}-{row[1]}",
        memberships=await memberships(request, id),
        max_organizations=MAX_ORGANIZATIONS,
        touches=touches[:SHOWN_TOUCHES],
        known_by=known_by(touches),
        changes=await find(request, journal.HISTORY["contacts"], parent=id, limit="10")
        if request.viewer.may("history.read")
        else [],
        **CHOICES,
    )


async def memberships(request: Request, id: int) -> list[Row]:
    """What a contact belongs to and as what, as far as the viewer sees it."""
    return await find(request, members.OF_CONTACT, parent=id, limit=str(MAX_ORGANIZATIONS))


def known_by(touches: list[Row]) -> list[tuple[str, int]]:
    """Who of us was in touch with a contact, the most often first."""
    return Counter(one["author"]["fullName"] for one in touches if one["author"]).most_common(5)


async def update(request: Request, id: int) -> Response:
    """Change what the form has, while nobody else has changed the contact since it was page."""
    path, sent = f"/contacts/{id}", request.data.body(ContactUpdate)
    return await edit(
        request, "updateContact", id, path, sent, lambda contact: message_of(sent, contact)
    )


def message_of(sent: Row, contact: Row) -> str:
    """What was changed, in words."""
    if set(sent) == {"isActive"}:
        return f"Set {contact['fullName']} {'active' if contact['isActive'] else 'inactive'}"
    return f"Changed {render.changed_fields(sent)} of {contact['fullName']}"


async def delete(request: Request, id: int) -> Response:
    """Delete it; where something keeps it, say what, and offer to set it inactive instead."""
    name = await name_of(request, id)
    try:
        result = await perform(request, "deleteContact", id)
    except Conflict as problem:
        row = await store.read(request.db, id)
        answer = await render.page(
            request,
            "contacts/not_deleted.html",
            status=problem.status,
            problem=problem,
            id=id,
            name=name,
            is_active=row is not None and msgspec.json.decode(row[2])["isActive"],
            memberships=await memberships(request, id),
        )
        answer.headers["hx-replace-url"] = f"/contacts/{id}"
        return answer
    return render.redirect(
        request, render.return_path(request, "/contacts"), f"Deleted {name}", result.operation
    )


async def name_of(request: Request, id: int) -> str:
    row = await store.read(request.db, id)
    if row is None:
        raise NotFound
    return str(msgspec.json.decode(row[2])["fullName"])


# What a contact belongs to: the members of organizations, seen from the other end.


async def is_member(db: Db, id: int, organization_id: int) -> bool:
    """Whether the viewer sees that the contact belongs to the organization."""
    return await members.exists(db, organization_id, id)


async def new_membership(request: Request, id: int) -> Response:
    return await membership_form(request, id, {"role": MemberRole.MEMBER})


async def membership_form(
    request: Request, id: int, values: Row, problem: Invalid | Conflict | None = None
) -> Response:
    """Which organization, and as what; where the name was not clear, those that come near to it."""
    errors = render.field_errors(problem) if problem else {}
    if isinstance(problem, Conflict):
        errors = {
            "contactId": "is a member of this organization already; change the role on the contact's page"
        }
    return await render.page(
        request,
        "contacts/membership.html",
        status=problem.status if problem else 200,
        id=id,
        name=await name_of(request, id),
        values={"organization": "", "role": ""} | values,
        errors=errors,
        candidates=record_picker.candidates_of(problem),
        **CHOICES,
    )


async def join(request: Request, id: int) -> Response:
    role = request.data.get("role", "")
    try:
        organization = await record_picker.id_from_form(request, organizations.LIST, "organization")
        result = await perform(
            request, "addMember", organization, body={"contactId": id, "role": role}
        )
    except (Invalid, Conflict) as problem:
        return await membership_form(request, id, dict(request.data), problem)
    words = (
        f"Added {await name_of(request, id)} to {await organization_name(request, organization)}"
    )
    return render.redirect(request, f"/contacts/{id}", words, result.operation)


async def change_role(request: Request, id: int, organization: int) -> Response:
    role = request.data.get("role", "")
    result = await perform(request, "updateMember", organization, id, body={"role": role})
    name, at = await name_of(request, id), await organization_name(request, organization)
    words = f"Made {name} {role.replace('_', ' ')} of {at}"
    return render.redirect(request, f"/contacts/{id}", words, result.operation)


async def leave(request: Request, id: int, organization: int) -> Response:
    name = await organization_name(request, organization)
    result = await perform(request, "removeMember", organization, id)
    words = f"Removed {await name_of(request, id)} from {name}"
    return render.redirect(request, f"/contacts/{id}", words, result.operation)


async def organization_name(request: Request, id: int) -> str:
    row = await organizations.read(request.db, id)
    return str(msgspec.json.decode(row[2])["name"]) if row else "the organization"
