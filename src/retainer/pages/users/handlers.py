"""Pages of users for administrators: the list, one user, inviting and disabling users; and the
permissions of each role.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from starlette.responses import Response

from retainer.errors import Conflict, Invalid, Problem, invalid
from retainer.http.request import Request
from retainer.identity.confirmations import refuse_unconfirmed
from retainer.identity.users import store
from retainer.identity.users.model import Link, User, UserCreate, UserUpdate
from retainer.journal.model import HistoryEntry
from retainer.pages import render
from retainer.pages.edit import SameFields, conflict, refused, save
from retainer.pages.form import MAX_EMAIL, MAX_NAME, Field, Fields, form_page
from retainer.pages.journal.history import last_changes
from retainer.pages.list_page import OnlyId, find, paginate
from retainer.pages.submit import perform
from retainer.permissions import PERMISSIONS, Role
from retainer.records.contacts import store as contacts

ROLES = list(Role)
FIELDS = Fields(
    Field("username", "E-mail", "email", required=True, autofocus=True, maxlength=MAX_EMAIL,
          in_properties="own", after="fullName"),
    Field("fullName", "Name", required=True, maxlength=MAX_NAME),
    Field("role", "Role", "select", options=ROLES, default="consultant", required=True,
          hint="Consultants see and change all records; "
          "staff and guests see the organizations of their contact.", after="username"),
    Field("contact", "Contact's e-mail", "email", maxlength=MAX_EMAIL, in_properties="own",
          hint="For staff and guests: which contact they are. "
          "Without one they see no organization.", after="role"),
)  # fmt: skip
MAX_CHANGES = 20  # shown on a user's page


class UserContact(Struct, rename="camel"):
    """The contact that a user is."""

    id: int
    full_name: str
    email: str | None


async def index(request: Request) -> Response:
    page = await paginate(request, store.LIST, User)
    people = await contacts_of(request, [user.contact_id for user in page.rows])
    return await render.page(request, "users/list.html", page=page, contacts=people, roles=ROLES)


async def contacts_of(
    request: Request, contact_ids: Sequence[int | None]
) -> dict[int | None, UserContact]:
    """Contacts of these ids, by id."""
    ids = [str(id) for id in sorted({id for id in contact_ids if id})]
    found: list[UserContact] = []
    for n in range(0, len(ids), 200):
        given = {"fields": "id,fullName,email", "id:in": ",".join(ids[n : n + 200])}
        found += await find(request, contacts.LIST, UserContact, given)
    return {contact.id: contact for contact in found}


async def new(request: Request) -> Response:
    return await form(request, {"contact": request.query.get("contact", "")})


async def form(
    request: Request, values: Mapping[str, str], problem: Invalid | Conflict | None = None
) -> Response:
    return await form_page(
        request,
        "users/new.html",
        problem,
        fields=FIELDS,
        values={**FIELDS.blank(), **values},
        errors=form_errors(problem),
    )


def form_errors(problem: Problem | None) -> dict[str, str]:
    """Error messages by the form's fields: it has a contact's e-mail where the API takes an id."""
    if problem is None:
        return {}
    fields = {"contactId": "contact"}
    found = render.field_errors(problem)
    return {fields.get(name, name): message for name, message in found.items()}


async def create(request: Request) -> Response:
    """Add a user, and show once the link with which they choose a password."""
    try:
        body = request.data.body(UserCreate) | await typed_contact(request)
        if body.get("role") == Role.ADMIN:  # else they would be added, and the link refused
            await refuse_unconfirmed(request.db)
        result = await perform(request, "createUser", body=body)
    except (Invalid, Conflict) as problem:
        return await form(request, request.data, problem)
    return await link(request, result.record(User))


async def typed_contact(request: Request) -> dict[str, int | None]:
    """The API's `contactId` for the e-mail address that was typed; empty if the form has no such
    field. Raises Invalid for an address that no contact has.
    """
    if "contact" not in request.data:
        return {}
    email = request.data["contact"].strip()
    if not email:
        return {"contactId": None}
    given = {"email": email[:MAX_EMAIL], "fields": "id", "limit": "1"}
    found = await find(request, contacts.LIST, OnlyId, given)
    if not found:
        raise invalid(
            "contact", "is no contact's e-mail address; add the contact first, or leave this empty"
        )
    return {"contactId": found[0].id}


async def link(request: Request, user: User) -> Response:
    """Make a new link, and show it in this answer, the only place where it can be read."""
    made = (await perform(request, "createUserLink", user.id)).record(Link)
    return await render.page(request, "users/link.html", user=user, link=made)


async def show_one(request: Request, id: int) -> Response:
    return await user_page(request, id)


async def user_page(request: Request, id: int, problem: Conflict | None = None) -> Response:
    """Show the page of a user; `problem` explains why a change was refused."""
    stored = await store.get(request.db, id)
    user = stored.decode(User)
    status = 200
    if problem is not None:
        status = problem.status
    return await render.page(
        request,
        "users/user.html",
        status=status,
        user=user,
        problem=problem,
        version=stored.etag,
        fields=FIELDS,
        contact=(await contacts_of(request, [user.contact_id])).get(user.contact_id),
        changes=await history(request, id),
    )


async def history(request: Request, id: int) -> list[HistoryEntry]:
    """Latest changes of a user, the newest first, with contacts by name instead of id."""
    found = await last_changes(request, "users", id, limit=MAX_CHANGES)
    contact_changes = [
        change for entry in found for change in entry.changes if change.field == "contactId"
    ]
    people = await contacts_of(
        request, [id for one in contact_changes for id in (one.before, one.after)]
    )
    names = {id: contact.full_name for id, contact in people.items()}
    for change in contact_changes:
        change.field = "contact"
        change.before = names.get(change.before, change.before)
        change.after = names.get(change.after, change.after)
    return found


async def update(request: Request, id: int) -> Response:
    path, sent = f"/users/{id}", request.data.body(UserUpdate)
    try:
        sent |= await typed_contact(request)
        result = await save(request, "updateUser", id, path, sent)
    except SameFields as same:
        return await conflict(request, FIELDS, same, path)
    except Invalid as problem:
        return await refused(request, FIELDS, problem, path, sent, show_one)
    except Conflict as problem:
        response = await user_page(request, id, problem)
        # Replaces the whole form, so that the refused choice does not stay selected.
        response.headers["hx-reswap"] = "outerHTML show:none"
        return response
    return render.redirect(
        request, path, f"Changed {render.changed_fields(sent)} of {result.record(User).full_name}"
    )


async def confirm_disabling(request: Request, id: int) -> Response:
    return await disabling_page(request, id)


async def disabling_page(request: Request, id: int, problem: Conflict | None = None) -> Response:
    """Ask to confirm disabling a user: it ends their sessions, which cannot be undone."""
    user = await read(request, id)
    return await confirmation(request, "users/disable.html", user, problem)


async def confirmation(
    request: Request, template: str, user: User, problem: Conflict | None
) -> Response:
    """Ask before something is done to a user; `problem` explains why it was refused."""
    return await form_page(request, template, problem, user=user, problem=problem)


async def read(request: Request, id: int) -> User:
    return (await store.get(request.db, id)).decode(User)


async def disable(request: Request, id: int) -> Response:
    try:
        result = await perform(request, "updateUser", id, body={"isActive": False})
    except Conflict as problem:
        return await disabling_page(request, id, problem)
    return render.redirect(
        request,
        f"/users/{id}",
        f"Disabled {result.record(User).full_name} and ended their sessions",
    )


async def enable(request: Request, id: int) -> Response:
    result = await perform(request, "updateUser", id, body={"isActive": True})
    return render.redirect(request, f"/users/{id}", f"Enabled {result.record(User).full_name}")


async def confirm_recovering(request: Request, id: int) -> Response:
    return await recovering_page(request, id)


async def recovering_page(request: Request, id: int, problem: Conflict | None = None) -> Response:
    """Ask to confirm making a new link for a user who has lost their password."""
    user = await read(request, id)
    return await confirmation(request, "users/recover.html", user, problem)


async def recover(request: Request, id: int) -> Response:
    try:
        return await link(request, await read(request, id))
    except Conflict as problem:
        return await recovering_page(request, id, problem)


async def end_sessions(request: Request, id: int) -> Response:
    user = await read(request, id)
    await perform(request, "endUserSessions", id)
    return render.redirect(request, f"/users/{id}", f"Ended all sessions of {user.full_name}")


async def roles(request: Request) -> Response:
    """Show the permissions as they are enforced, read from the table that enforces them."""
    return await render.page(request, "users/roles.html", permissions=PERMISSIONS, roles=ROLES)
