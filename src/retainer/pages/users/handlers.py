"""The pages of users for administrators: the list, one user, inviting, disabling; and what each
role may do.
"""

from typing import Any

import msgspec
from starlette.responses import Response

from retainer.errors import Conflict, Invalid, NotFound, PreconditionFailed, invalid
from retainer.http.forms import blank
from retainer.http.request import Request
from retainer.identity.users import store
from retainer.identity.users.model import UserCreate, UserUpdate
from retainer.journal import store as journal
from retainer.pages import render
from retainer.pages.list_page import find, paginate
from retainer.pages.submit import perform
from retainer.permissions import PERMISSIONS, Role
from retainer.records.contacts import store as contacts

Row = dict[str, Any]
CHOICES: dict[str, Any] = {"roles": list(Role)}
MAX_CHANGES = 20


async def index(request: Request) -> Response:
    page = await paginate(request, store.LIST)
    people = await contacts_of(request, page.rows)
    return await render.page(request, "users/list.html", page=page, contacts=people, **CHOICES)


async def contacts_of(request: Request, rows: list[Row]) -> dict[int, Row]:
    """Whom users are among the contacts."""
    ids = sorted({row["contactId"] for row in rows if row["contactId"]})
    found: list[Row] = []
    for n in range(0, len(ids), 200):
        asked: Any = {"fields": "id,fullName,email", "id:in": ",".join(map(str, ids[n : n + 200]))}
        found += await find(request, contacts.LIST, **asked)
    return {contact["id"]: contact for contact in found}


async def new(request: Request) -> Response:
    return await form(
        request, {"role": Role.CONSULTANT.value, "contact": request.query.get("contact", "")}
    )


async def form(
    request: Request, values: Row, problem: Invalid | Conflict | None = None
) -> Response:
    return await render.page(
        request,
        "users/new.html",
        status=problem.status if problem else 200,
        values=blank(UserCreate) | {"contact": ""} | values,
        errors=form_errors(problem) if problem else {},
        **CHOICES,
    )


def form_errors(problem: Invalid | Conflict) -> dict[str, str]:
    """What is wrong, by the fields of the form: a contact is typed by its e-mail address."""
    return {
        {"contactId": "contact"}.get(name, name): words
        for name, words in render.field_errors(problem).items()
    }


async def create(request: Request) -> Response:
    """Add a user and show the link with which they choose a password, this once."""
    try:
        body = request.data.body(UserCreate) | await typed_contact(request)
        result = await perform(request, "createUser", body=body)
    except (Invalid, Conflict) as problem:
        return await form(request, dict(request.data), problem)
    return await link(request, result.record)


async def typed_contact(request: Request) -> Row:
    """The contact whose e-mail address was typed, as the API takes it; nothing where the form does
    not ask.
    """
    if "contact" not in request.data:
        return {}
    typed = request.data["contact"].strip()
    if not typed:
        return {"contactId": None}
    found = await find(request, contacts.LIST, email=typed[:254], fields="id", limit="1")
    if not found:
        raise invalid(
            "contact", "is no contact's e-mail address; add the contact first, or leave this empty"
        )
    return {"contactId": found[0]["id"]}


async def link(request: Request, user: Row) -> Response:
    """A new link, which stands in this answer and nowhere else."""
    made = await perform(request, "createUserLink", user["id"])
    return await render.page(request, "users/link.html", user=user, link=made.record)


async def show_one(request: Request, id: int) -> Response:
    return await user_page(request, id)


async def user_page(request: Request, id: int, problem: Conflict | None = None) -> Response:
    """The page of a user; `problem` says why they stay as they are."""
    row = await store.read(request.db, id)
    if row is None:
        raise NotFound
    user = msgspec.json.decode(row[2])
    return await render.page(
        request,
        "users/user.html",
        status=problem.status if problem else 200,
        user=user,
        problem=problem,
        version=f"{row[0]}-{row[1]}",
        contact=(await contacts_of(request, [user])).get(user["contactId"]),
        changes=await history(request, id),
        **CHOICES,
    )


async def history(request: Request, id: int) -> list[Row]:
    """What was changed of a user, the newest first; a contact by its name."""
    found = await find(request, journal.HISTORY["users"], parent=id, limit=str(MAX_CHANGES))
    told = [
        change for entry in found for change in entry["changes"] if change["field"] == "contactId"
    ]
    values = [{"contactId": change[side]} for change in told for side in ("before", "after")]
    names = {
        contact["id"]: contact["fullName"]
        for contact in (await contacts_of(request, values)).values()
    }
    for change in told:
        change["field"] = "contact"
        for side in ("before", "after"):
            change[side] = names.get(change[side], change[side])
    return found


async def update(request: Request, id: int) -> Response:
    path, sent = f"/users/{id}", request.data.body(UserUpdate)
    try:
        sent |= await typed_contact(request)
        result = await perform(
            request, "updateUser", id, body=sent, version=request.data.get("version")
        )
    except PreconditionFailed as problem:
        return await render.conflict(request, problem, path, sent)
    except Invalid as problem:
        return await render.not_saved(request, problem, path, sent)
    except Conflict as problem:
        answer = await user_page(request, id, problem)
        # Nothing that was chosen may stay.
        answer.headers["hx-reswap"] = "outerHTML show:none"
        return answer
    return render.redirect(
        request, path, f"Changed {render.changed_fields(sent)} of {result.record['fullName']}"
    )


async def confirm_disabling(request: Request, id: int) -> Response:
    return await disabling(request, id)


async def disabling(request: Request, id: int, problem: Conflict | None = None) -> Response:
    """What disabling means, to be confirmed: their sessions end, and that cannot be taken back."""
    status = problem.status if problem else 200
    user = await read(request, id)
    return await render.page(
        request, "users/disable.html", status=status, user=user, problem=problem
    )


async def read(request: Request, id: int) -> Row:
    row = await store.read(request.db, id)
    if row is None:
        raise NotFound
    user: Row = msgspec.json.decode(row[2])
    return user


async def disable(request: Request, id: int) -> Response:
    try:
        result = await perform(request, "updateUser", id, body={"isActive": False})
    except Conflict as problem:
        return await disabling(request, id, problem)
    return render.redirect(
        request, f"/users/{id}", f"Disabled {result.record['fullName']} and ended their sessions"
    )


async def enable(request: Request, id: int) -> Response:
    result = await perform(request, "updateUser", id, body={"isActive": True})
    return render.redirect(request, f"/users/{id}", f"Enabled {result.record['fullName']}")


async def confirm_recovering(request: Request, id: int) -> Response:
    return await recovering(request, id)


async def recovering(request: Request, id: int, problem: Conflict | None = None) -> Response:
    """What a new link means for somebody who has lost their password."""
    status = problem.status if problem else 200
    user = await read(request, id)
    return await render.page(
        request, "users/recover.html", status=status, user=user, problem=problem
    )


async def recover(request: Request, id: int) -> Response:
    try:
        return await link(request, await read(request, id))
    except Conflict as problem:
        return await recovering(request, id, problem)


async def end_sessions(request: Request, id: int) -> Response:
    user = await read(request, id)
    await perform(request, "endUserSessions", id)
    return render.redirect(request, f"/users/{id}", f"Ended all sessions of {user['fullName']}")


async def roles(request: Request) -> Response:
    """The rules as they are enforced, so that nobody has to write them down a second time."""
    return await render.page(request, "users/roles.html", permissions=PERMISSIONS, **CHOICES)
