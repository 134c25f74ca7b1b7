"""The pages of organizations: the list, one organization and its tabs, the forms."""

from typing import Any

import msgspec

from retainer.errors import Conflict, Invalid, NotFound
from retainer.http.forms import blank
from retainer.http.request import Answer, Request
from retainer.identity.users import store as users
from retainer.journal import store as journal
from retainer.pages import record_picker, render
from retainer.pages.activities.latest import latest
from retainer.pages.list_page import find, show
from retainer.pages.record_picker import ID
from retainer.pages.submit import edit, perform
from retainer.records.members import store as members
from retainer.records.organizations import store
from retainer.records.organizations.model import (
    OrganizationCreate,
    OrganizationStatus,
    OrganizationType,
    OrganizationUpdate,
)
from retainer.records.projects import store as projects
from retainer.records.tasks import store as tasks

WORDS: dict[str, Any] = {"types": list(OrganizationType), "statuses": list(OrganizationStatus)}
LIKELY = 5  # organizations shown as perhaps the same


async def index(request: Request) -> Answer:
    shown = await show(request, store.LIST, expand=("owner", "work"))
    owners = await record_picker.people(request, users.NAMES)
    return await render.page(
        request, "organizations/list.html", shown=shown, owners=owners, **WORDS
    )


async def new(request: Request) -> Answer:
    values: dict[str, Any] = {"status": "active", "type": "prospect"}
    copied = request.query.get("copy", "")
    if ID.fullmatch(copied) and (row := await store.read(request.db, int(copied))):
        values = msgspec.json.decode(row[2])
        values |= {
            "name": f"{values['name']} (copy)",
            "tags": ", ".join(values["tags"]),
            "copy": copied,
        }
    elif copied:
        raise NotFound
    return await form(
        request, values | {"name": values.get("name") or request.query.get("name", "")}
    )


async def form(
    request: Request, values: dict[str, Any], problem: Invalid | Conflict | None = None
) -> Answer:
    values = blank(OrganizationCreate) | {"copy": ""} | values
    errors = render.errors_of(problem) if problem else {}
    return await render.page(
        request,
        "organizations/form.html",
        status=problem.status if problem else 200,
        values=values,
        errors=errors,
        owners=await record_picker.people(request, users.NAMES),
        likely=await likely(request, values["name"] or ""),
        **WORDS,
    )


async def create(request: Request) -> Answer:
    try:
        done = await perform(
            request, "createOrganization", body=request.body.body(OrganizationCreate)
        )
    except (Invalid, Conflict) as problem:
        return await form(request, dict(request.body), problem)
    made = done.record
    return render.redirect(
        request, f"/organizations/{made['id']}", f"Added {made['name']}", done.operation
    )


async def duplicates(request: Request) -> Answer:
    """Those that may be the same as one that is being typed: a part of the form, which stands alone
    for nobody.
    """
    if render.target(request) != "duplicates":
        return await new(request)
    found = await likely(request, request.query.get("name", ""))
    return await render.page(request, "organizations/form.html", likely=found)


async def likely(request: Request, name: str) -> list[dict[str, Any]]:
    if len(name.strip()) < 3:
        return []
    return await find(request, store.LIST, q=name[:200], limit=str(LIKELY))


async def show_overview(request: Request, id: int) -> Answer:
    values = await frame(request, id)
    return await render.page(
        request,
        "organizations/overview.html",
        **values,
        tab="overview",
        **await latest(request, id),
        tasks=await find(
            request, tasks.OF_ORGANIZATION, parent=id, limit="6", sort="dueDate", **OPEN_TASKS
        ),
        projects=await find(
            request, projects.OF_ORGANIZATION, parent=id, limit="6", sort="dueDate", **OPEN_PROJECTS
        ),
        people=await find(request, members.LIST, parent=id, limit="8", expand="contact"),
        changes=await find(request, journal.HISTORY["organizations"], parent=id, limit="5")
        if request.viewer.may("history.read")
        else [],
    )


OPEN_TASKS: Any = {"status:not": "completed"}
OPEN_PROJECTS: Any = {"status:in": "planned,active,on_hold"}


async def frame(request: Request, id: int) -> dict[str, Any]:
    """What every tab of an organization shows: itself, its properties, how much of everything it
    has.
    """
    row = await store.read_shown(request.db, id)
    if row is None:
        raise NotFound
    return {
        "organization": msgspec.json.decode(row[2]),
        "version": f"{row[0]}-{row[1]}",
        "owners": await record_picker.people(request, users.NAMES),
        **WORDS,
    }


async def update(request: Request, id: int) -> Answer:
    """Change what the form has, while nobody else has changed the organization since it was shown."""
    path, sent = f"/organizations/{id}", request.body.body(OrganizationUpdate)
    what = render.named(sent)
    return await edit(
        request,
        "updateOrganization",
        id,
        path,
        sent,
        lambda made: f"Changed {what} of {made['name']}",
    )


async def delete(request: Request, id: int) -> Answer:
    row = await store.read(request.db, id)
    done = await perform(request, "deleteOrganization", id)
    name = msgspec.json.decode(row[2])["name"] if row else "the organization"
    return render.redirect(
        request, render.back(request, "/organizations"), f"Deleted {name}", done.operation
    )
