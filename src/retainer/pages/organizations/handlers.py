"""Pages of organizations: the list, the first tab of one (tabs.py has the others), the forms."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from retainer.errors import Conflict, Invalid, NotFound
from retainer.http.request import Request
from retainer.pages import record_picker, render
from retainer.pages.activities.form import log_line
from retainer.pages.edit import edit, refused
from retainer.pages.form import MAX_NAME, Field, Fields, form_page
from retainer.pages.journal.history import last_changes
from retainer.pages.list_page import find, paginate
from retainer.pages.record_picker import PARENT
from retainer.pages.rows import MemberRow, OrganizationRow, OrganizationShown
from retainer.pages.submit import perform
from retainer.pages.web_address import complete_address, web_link
from retainer.records.activities import store as activities
from retainer.records.activities.model import ListedActivity
from retainer.records.members import store as members
from retainer.records.organizations import store
from retainer.records.organizations.model import (
    Organization,
    OrganizationCreate,
    OrganizationStatus,
    OrganizationType,
    OrganizationUpdate,
)
from retainer.records.projects import store as projects
from retainer.records.projects.model import Project
from retainer.records.tasks import store as tasks
from retainer.records.tasks.model import ListedTask

TYPES, STATUSES = list(OrganizationType), list(OrganizationStatus)
FIELDS = Fields(
    Field("name", "Name", required=True, maxlength=MAX_NAME, in_form="own"),
    Field("type", "Type", "select", options=TYPES, default="prospect", required=True),
    Field("status", "Status", "select", options=STATUSES, default="active", required=True,
          same_line=True),
    Field("ownerId", "Owner", "select", empty="Nobody", permission="users.names", reads="owner",
          more=True),
    Field("industry", "Industry", maxlength=255, more=True),
    Field("website", "Website", maxlength=2000, link=web_link, more=True, same_line=True),
    Field("parent", "Parent organization", in_form="own", in_properties="own", more=True,
          permission="organizations.update"),
    Field("domains", "Domains", "list", in_form="no", found_at="/organizations?domain="),
    Field("tags", "Tags", "list", hint="Separated by commas", more=True,
          found_at="/organizations?tags=", proposed_at="/choices"),
    Field("externalId", "External id", in_form="no"),
    Field("description", "Description", rows=3, more=True, in_properties="no"),
    Field("metadata", "Metadata", "object", more=True, permission="organizations.update",
          hint="Facts of your own, such as Region: Alps"),
)  # fmt: skip
CHOICES: dict[str, Any] = {"types": TYPES, "statuses": STATUSES}
MAX_DUPLICATES = 5  # similar organizations that the form of a new one shows
OPEN_TASKS = {"status:not": "completed", "sort": "dueDate", "limit": "6"}
OPEN_PROJECTS = {"status:in": "planned,active,on_hold", "sort": "dueDate", "limit": "6"}


async def index(request: Request) -> Response:
    page = await paginate(request, store.LIST, OrganizationRow, expand=("owner", "work"))
    owners = await record_picker.colleagues(request)
    return await render.page(
        request, "organizations/list.html", page=page, owners=owners, **CHOICES
    )


async def new(request: Request) -> Response:
    copied = request.query.get("copy", "")
    if not copied:
        return await form(request, {"name": request.query.get("name", "")})
    if not record_picker.is_id(copied):
        raise NotFound
    original = (await store.get(request.db, int(copied))).decode(Organization)
    values = FIELDS.values(original) | {"name": f"{original.name} (copy)", "copy": copied}
    above = await parent_of(request, original.parent_id)
    if above is not None:
        values["parent"] = above.name
    return await form(request, values)


async def parent_of(request: Request, id: int | None) -> Organization | None:
    """The organization above one; None where there is none that the viewer sees."""
    return await record_picker.organization_of(request, str(id or ""))


async def typed_parent(request: Request, present: int | None) -> dict[str, int | None]:
    """The API's `parentId` for the name that was typed; empty if the form has no such field, or
    the name is that of the present parent.
    """
    if PARENT.field not in request.data:
        return {}
    above = await parent_of(request, present)
    to = await record_picker.id_from_fields(request, PARENT, request.data, above)
    if to == (above and above.id):
        return {}
    return {"parentId": to}


async def form(
    request: Request, values: Mapping[str, str], problem: Invalid | Conflict | None = None
) -> Response:
    values = {**FIELDS.blank(), "copy": "", **values}
    return await form_page(
        request,
        "organizations/form.html",
        problem,
        fields=FIELDS,
        values=values,
        choices={"ownerId": await record_picker.colleagues(request)},
        duplicates=await duplicates(request, values["name"]),
    )


async def create(request: Request) -> Response:
    try:
        original = await copied(request)
        body = rest_of(original, request) | request.data.body(OrganizationCreate)
        complete_address(body, "website", original.get("website"))
        body |= await typed_parent(request, body.get("parentId"))
        result = await perform(request, "createOrganization", body=body)
    except (Invalid, Conflict) as problem:
        return await form(request, FIELDS.sent(request.data), problem)
    made = result.record(Organization)
    path = f"/organizations/{made.id}"
    return render.redirect(request, path, f"Added {made.name}", result.operation)


async def copied(request: Request) -> dict[str, Any]:
    """The organization that the form duplicates; empty where it adds a new one."""
    id = request.data.get("copy", "")
    if not record_picker.is_id(id):
        return {}
    return (await store.get(request.db, int(id))).decode(dict[str, Any])


def rest_of(original: dict[str, Any], request: Request) -> dict[str, Any]:
    """Fields of the organization that is duplicated which its form does not have: a copy has all
    that the API's copy has.
    """
    unique = {"name", "externalId", "domains"}
    names = set(OrganizationCreate.__struct_encode_fields__) - unique - set(request.data)
    return {name: original[name] for name in names if name in original}


async def show_duplicates(request: Request) -> Response:
    """Show organizations similar to the name that is being typed. htmx replaces a part of the form
    by them; without htmx there is only the whole form.
    """
    if render.target(request) != "duplicates":
        return await new(request)
    found = await duplicates(request, request.query.get("name", ""))
    return await render.page(request, "organizations/form.html", duplicates=found)


async def duplicates(request: Request, name: str) -> list[Organization]:
    if len(name.strip()) < 3:
        return []
    return await find(request, store.LIST, Organization, q=name[:200], limit=str(MAX_DUPLICATES))


async def show_overview(request: Request, id: int) -> Response:
    values = await frame(request, id)
    return await render.page(
        request,
        "organizations/overview.html",
        **values,
        tab="overview",
        **await log_line(request, id),
        latest=await find(
            request, activities.OF_ORGANIZATION, ListedActivity, parent=id, limit="3"
        ),
        tasks=await find(request, tasks.OF_ORGANIZATION, ListedTask, OPEN_TASKS, parent=id),
        projects=await find(request, projects.OF_ORGANIZATION, Project, OPEN_PROJECTS, parent=id),
        people=await find(
            request, members.LIST, MemberRow, parent=id, limit="50", expand="contact"
        ),
        changes=await last_changes(request, "organizations", id, limit=5),
    )


async def frame(request: Request, id: int) -> dict[str, Any]:
    """Template's values for the frame of every tab: the organization, its properties and counts."""
    stored = await store.read_shown(request.db, id)
    if stored is None:
        raise NotFound
    owners = await record_picker.colleagues(request)
    return {
        "organization": stored.decode(OrganizationShown),
        "version": stored.etag,
        "fields": FIELDS.told(request.viewer, "organizations"),
        "owners": owners,
        "choices": {"ownerId": owners},
    }


async def update(request: Request, id: int) -> Response:
    """Change the fields that were sent, if the organization is still as the form showed it."""
    path, sent = f"/organizations/{id}", {}
    present = (await store.get(request.db, id)).decode(Organization)
    try:
        sent = request.data.body(OrganizationUpdate)
        complete_address(sent, "website", present.website)
        sent |= await typed_parent(request, present.parent_id)
    except Invalid as problem:
        return await refused(request, FIELDS, problem, path, sent, show_overview)
    fields = render.changed_fields(sent)
    return await edit(
        request,
        FIELDS,
        "updateOrganization",
        id,
        path,
        sent,
        lambda result: f"Changed {fields} of {result.record(Organization).name}",
        show_overview,
    )


async def delete(request: Request, id: int) -> Response:
    organization = (await store.get(request.db, id)).decode(Organization)
    result = await perform(request, "deleteOrganization", id)
    path = render.return_path(request, "/organizations")
    return render.redirect(request, path, f"Deleted {organization.name}", result.operation)
