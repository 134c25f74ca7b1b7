"""The pages of organizations: the list, one organization and its tabs, the forms."""

from typing import Any

import msgspec
from starlette.responses import Response

from retainer.errors import Conflict, Invalid, NotFound
from retainer.http.forms import blank
from retainer.http.request import Request
from retainer.journal import store as journal
from retainer.pages import record_picker, render
from retainer.pages.activities.form import log_line
from retainer.pages.list_page import find, paginate
from retainer.pages.record_picker import is_id
from retainer.pages.submit import edit, perform
from retainer.records.activities import store as activities
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

CHOICES: dict[str, Any] = {"types": list(OrganizationType), "statuses": list(OrganizationStatus)}
MAX_DUPLICATES = 5  # organizations shown as perhaps the same


async def index(request: Request) -> Response:
    page = await paginate(request, store.LIST, expand=("owner", "work"))
    owners = await record_picker.colleagues(request)
    return await render.page(
        request, "organizations/list.html", page=page, owners=owners, **CHOICES
    )


async def new(request: Request) -> Response:
    values: dict[str, Any] = {"status": "active", "type": "prospect"}
    copied = request.query.get("copy", "")
    if is_id(copied) and (row := await store.read(request.db, int(copied))):
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
) -> Response:
    values = blank(OrganizationCreate) | {"copy": ""} | values
    errors = render.field_errors(problem) if problem else {}
    return await render.page(
        request,
        "organizations/form.html",
        status=problem.status if problem else 200,
        values=values,
        errors=errors,
        owners=await record_picker.colleagues(request),
        duplicates=await duplicates(request, values["name"] or ""),
        **CHOICES,
    )


async def create(request: Request) -> Response:
    try:
        result = await perform(
            request, "createOrganization", body=request.data.body(OrganizationCreate)
        )
    except (Invalid, Conflict) as problem:
        return await form(request, dict(request.data), problem)
    made = result.record
    return render.redirect(
        request, f"/organizations/{made['id']}", f"Added {made['name']}", result.operation
    )


async def show_duplicates(request: Request) -> Response:
    """Those that may be the same as one that is being typed: a part of the form, which stands alone
    for nobody.
    """
    if render.target(request) != "duplicates":
        return await new(request)
    found = await duplicates(request, request.query.get("name", ""))
    return await render.page(request, "organizations/form.html", duplicates=found)


async def duplicates(request: Request, name: str) -> list[dict[str, Any]]:
    if len(name.strip()) < 3:
        return []
    return await find(request, store.LIST, q=name[:200], limit=str(MAX_DUPLICATES))


async def show_overview(request: Request, id: int) -> Response:
    values = await frame(request, id)
    return await render.page(
        request,
        "organizations/overview.html",
        **values,
        tab="overview",
        **await log_line(request, id),
        latest=await find(request, activities.OF_ORGANIZATION, parent=id, limit="3"),
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
        "owners": await record_picker.colleagues(request),
        **CHOICES,
    }


async def update(request: Request, id: int) -> Response:
    """Change what the form has, while nobody else has changed the organization since it was page."""
    path, sent = f"/organizations/{id}", request.data.body(OrganizationUpdate)
    what = render.changed_fields(sent)
    return await edit(
        request,
        "updateOrganization",
        id,
        path,
        sent,
        lambda made: f"Changed {what} of {made['name']}",
    )


async def delete(request: Request, id: int) -> Response:
    row = await store.read(request.db, id)
    result = await perform(request, "deleteOrganization", id)
    name = msgspec.json.decode(row[2])["name"] if row else "the organization"
    return render.redirect(
        request, render.return_path(request, "/organizations"), f"Deleted {name}", result.operation
    )
