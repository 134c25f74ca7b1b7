"""Pages of contacts: the list, one person with all their organizations, the forms."""

from collections import Counter
from collections.abc import Mapping

from starlette.responses import Response

from retainer.database.database import Db
from retainer.errors import Conflict, Invalid, NotFound
from retainer.http.request import Request
from retainer.pages import record_picker, render
from retainer.pages.edit import edit, refused
from retainer.pages.form import MAX_EMAIL, MAX_NAME, YES_OR_NO, Field, Fields, form_page
from retainer.pages.journal.history import last_changes
from retainer.pages.list_page import find, paginate
from retainer.pages.rows import ActivityRow, MembershipRow
from retainer.pages.submit import Result, perform
from retainer.pages.web_address import mail_link
from retainer.records.activities import store as activities
from retainer.records.contacts import store
from retainer.records.contacts.model import Contact, ContactCreate, ContactType, ContactUpdate
from retainer.records.members import store as members
from retainer.records.members.model import MemberRole
from retainer.records.organizations import store as organizations
from retainer.records.organizations.model import Organization

TYPES, ROLES = list(ContactType), list(MemberRole)
FIELDS = Fields(
    Field("fullName", "Name", required=True, autofocus=True, maxlength=MAX_NAME),
    Field("email", "E-mail", "email", maxlength=MAX_EMAIL, link=mail_link),
    Field("type", "Type", "select", options=TYPES, default="client", required=True,
          after="department"),
    Field("phone", "Phone", "tel", maxlength=64, same_line=True),
    Field("company", "Company", maxlength=255),
    Field("title", "Job title", maxlength=255, property_label="Title", same_line=True),
    Field("department", "Department", maxlength=255, more=True),
    Field("isActive", "Active", "select", options=YES_OR_NO, in_form="no", after="type"),
    Field("mentionName", "Mention name", maxlength=255, hint="What colleagues call them",
          more=True, same_line=True),
    Field("externalId", "External id", in_form="no"),
    Field("metadata", "Metadata", "object", more=True, permission="contacts.write",
          hint="Facts of your own, such as Language: French"),
)  # fmt: skip
MAX_ORGANIZATIONS = 100  # shown on a contact's page
MAX_READ_ACTIVITIES = 50  # latest activities that are read to find out who knows a contact
MAX_SHOWN_ACTIVITIES = 8  # of these, shown on the contact's page


async def index(request: Request) -> Response:
    page = await paginate(request, store.LIST, Contact)
    return await render.page(request, "contacts/list.html", page=page, types=TYPES)


async def new(request: Request) -> Response:
    return await form(request, {"fullName": request.query.get("name", "")})


async def form(
    request: Request, values: Mapping[str, str], problem: Invalid | Conflict | None = None
) -> Response:
    """Show the form of a new contact; if its e-mail address is taken, with the contact who has
    it.
    """
    values = {**FIELDS.blank(), **values}
    taken = []
    if isinstance(problem, Conflict) and values["email"]:
        taken = await find(request, store.LIST, Contact, email=values["email"], limit="1")
    return await form_page(
        request, "contacts/form.html", problem, fields=FIELDS, values=values, taken=taken
    )


async def create(request: Request) -> Response:
    try:
        result = await perform(request, "createContact", body=request.data.body(ContactCreate))
    except (Invalid, Conflict) as problem:
        return await form(request, request.data, problem)
    made = result.record(Contact)
    path = f"/contacts/{made.id}"
    return render.redirect(request, path, f"Added {made.full_name}", result.operation)


async def show_one(request: Request, id: int) -> Response:
    stored = await store.get(request.db, id)
    contact = stored.decode(Contact)
    asked = {"contactId": str(id), "limit": str(MAX_READ_ACTIVITIES), "expand": "organization"}
    latest_activities = await find(request, activities.LIST, ActivityRow, asked)
    return await render.page(
        request,
        "contacts/contact.html",
        contact=contact,
        version=stored.etag,
        fields=FIELDS.told(request.viewer, "contacts"),
        memberships=await memberships(request, id),
        max_organizations=MAX_ORGANIZATIONS,
        latest_activities=latest_activities[:MAX_SHOWN_ACTIVITIES],
        known_by=known_by(latest_activities),
        changes=await last_changes(request, "contacts", id),
        roles=ROLES,
    )


async def memberships(request: Request, id: int) -> list[MembershipRow]:
    """Organizations of a contact that the viewer sees, with the contact's role in each."""
    return await find(
        request, members.OF_CONTACT, MembershipRow, parent=id, limit=str(MAX_ORGANIZATIONS)
    )


def known_by(latest_activities: list[ActivityRow]) -> list[tuple[str, int]]:
    """Names of the colleagues who were in touch with a contact most often, with how often."""
    return Counter(activity.author.full_name for activity in latest_activities).most_common(5)


async def update(request: Request, id: int) -> Response:
    """Change the fields that were sent, if the contact is still as the form showed it."""
    path = f"/contacts/{id}"
    try:
        sent = request.data.body(ContactUpdate)
    except Invalid as problem:
        return await refused(request, FIELDS, problem, path, {}, show_one)
    return await edit(
        request,
        FIELDS,
        "updateContact",
        id,
        path,
        sent,
        lambda result: changed_message(sent, result),
        show_one,
    )


def changed_message(sent: dict[str, object], result: Result) -> str:
    """Message about a change of a contact."""
    contact = result.record(Contact)
    if set(sent) != {"isActive"}:
        return f"Changed {render.changed_fields(sent)} of {contact.full_name}"
    if contact.is_active:
        return f"Set {contact.full_name} active"
    return f"Set {contact.full_name} inactive"


async def delete(request: Request, id: int) -> Response:
    """Delete a contact. If other records still need it, name them, and offer to set the contact
    inactive instead.
    """
    contact = await read(request, id)
    try:
        result = await perform(request, "deleteContact", id)
    except Conflict as problem:
        response = await render.page(
            request,
            "contacts/not_deleted.html",
            status=problem.status,
            problem=problem,
            contact=contact,
            memberships=await memberships(request, id),
        )
        response.headers["hx-replace-url"] = f"/contacts/{id}"
        return response
    path = render.return_path(request, "/contacts")
    return render.redirect(request, path, f"Deleted {contact.full_name}", result.operation)


async def read(request: Request, id: int) -> Contact:
    return (await store.get(request.db, id)).decode(Contact)


# Memberships, from the contact's side; organizations/tabs.py has the organization's.


async def is_member(db: Db, id: int, organization_id: int) -> bool:
    """True when the viewer sees that the contact belongs to the organization."""
    return await members.exists(db, organization_id, id)


async def new_membership(request: Request, id: int) -> Response:
    return await membership_form(request, id, {"role": MemberRole.MEMBER})


async def membership_form(
    request: Request,
    id: int,
    values: Mapping[str, str],
    problem: Invalid | Conflict | None = None,
) -> Response:
    """Show the form for the organization and the role; after an unclear name with the organizations
    that may be meant.
    """
    more: dict[str, dict[str, str]] = {}
    if isinstance(problem, Conflict):
        message = "is a member of this organization already; change the role on the contact's page"
        more["errors"] = {"contactId": message}
    return await form_page(
        request,
        "contacts/membership.html",
        problem,
        contact=await read(request, id),
        values={"organization": "", "role": "", **values},
        roles=ROLES,
        **more,
    )


async def join(request: Request, id: int) -> Response:
    role = request.data.get("role", "")
    try:
        organization = await record_picker.id_from_form(request, record_picker.ORGANIZATION)
        body = {"contactId": id, "role": role}
        result = await perform(request, "addMember", organization, body=body)
    except (Invalid, Conflict) as problem:
        return await membership_form(request, id, request.data, problem)
    contact, name = await read(request, id), await organization_name(request, organization)
    message = f"Added {contact.full_name} to {name}"
    return render.redirect(request, f"/contacts/{id}", message, result.operation)


async def change_role(request: Request, id: int, organization: int) -> Response:
    role = request.data.get("role", "")
    result = await perform(request, "updateMember", organization, id, body={"role": role})
    contact, name = await read(request, id), await organization_name(request, organization)
    message = f"Made {contact.full_name} {role.replace('_', ' ')} of {name}"
    return render.redirect(request, f"/contacts/{id}", message, result.operation)


async def leave(request: Request, id: int, organization: int) -> Response:
    name = await organization_name(request, organization)
    result = await perform(request, "removeMember", organization, id)
    message = f"Removed {(await read(request, id)).full_name} from {name}"
    return render.redirect(request, f"/contacts/{id}", message, result.operation)


async def organization_name(request: Request, id: int) -> str:
    try:
        return (await organizations.get(request.db, id)).decode(Organization).name
    except NotFound:  # another request deleted it meanwhile
        return "the organization"
