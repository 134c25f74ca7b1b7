"""The pages of engagements: the list, one engagement, the forms."""

from collections.abc import Mapping

from starlette.responses import Response

from retainer.errors import Conflict, Invalid, NotFound
from retainer.http.fields import Audience
from retainer.http.request import Request
from retainer.pages import record_picker, render
from retainer.pages.edit import edit
from retainer.pages.form import MAX_NAME, Field, Fields, form_page
from retainer.pages.journal.history import last_changes
from retainer.pages.list_page import find, paginate
from retainer.pages.rows import OrganizationName
from retainer.pages.submit import perform
from retainer.records.engagements import store
from retainer.records.engagements.model import (
    Engagement,
    EngagementCreate,
    EngagementStatus,
    EngagementUpdate,
)

STATUSES, AUDIENCES = list(EngagementStatus), list(Audience)
FIELDS = Fields(
    Field("title", "Title", required=True, autofocus=True, maxlength=MAX_NAME),
    Field("organization", "Organization", in_form="own", in_properties="no"),
    Field("status", "Status", "select", options=STATUSES, default="proposed", required=True),
    Field("audience", "Audience", "select", options=AUDIENCES, default="internal", required=True,
          same_line=True, permission="users.names"),
    Field("fee", "Fee", hint="In whole euros"),
    Field("startDate", "Start date", "date", property_label="Start"),
    Field("endDate", "End date", "date", property_label="End", same_line=True),
)  # fmt: skip


class EngagementRow(Engagement, rename="camel"):
    organization: OrganizationName | None


async def index(request: Request) -> Response:
    page = await paginate(request, store.LIST, EngagementRow, expand=("organization",))
    of = page.parameters.get("organizationId", "")
    return await render.page(
        request,
        "engagements/list.html",
        page=page,
        organization=await record_picker.organization_of(request, of),
        statuses=STATUSES,
    )


async def new(request: Request) -> Response:
    return await form(request, {"organizationId": request.query.get("organizationId", "")})


async def form(
    request: Request, values: Mapping[str, str], problem: Invalid | Conflict | None = None
) -> Response:
    """Show the form of a new engagement; its organization is given by id, or named in words."""
    of = values.get("organizationId", "")
    return await form_page(
        request,
        "engagements/form.html",
        problem,
        fields=FIELDS,
        values={**FIELDS.blank(), **values},
        organization=await record_picker.organization_of(request, of),
    )


async def create(request: Request) -> Response:
    try:
        organization = await record_picker.id_from_form(request, record_picker.ORGANIZATION)
        body = request.data.body(EngagementCreate) | {"organizationId": organization}
        result = await perform(request, "createEngagement", body=body)
    except (Invalid, Conflict) as problem:
        return await form(request, request.data, problem)
    made = result.record(Engagement)
    path = f"/engagements/{made.id}"
    return render.redirect(request, path, f"Added {made.title}", result.operation)


async def show_one(request: Request, id: int) -> Response:
    stored = await store.get(request.db, id)
    found = await find(request, store.LIST, EngagementRow, id=str(id), expand="organization")
    if not found:
        raise NotFound
    return await render.page(
        request,
        "engagements/engagement.html",
        engagement=found[0],
        version=stored.etag,
        fields=FIELDS,
        changes=await last_changes(request, "engagements", id),
    )


async def update(request: Request, id: int) -> Response:
    """Change the fields that were sent, if the engagement is still as the form showed it."""
    sent = request.data.body(EngagementUpdate)
    fields = render.changed_fields(sent)
    return await edit(
        request,
        FIELDS,
        "updateEngagement",
        id,
        f"/engagements/{id}",
        sent,
        lambda result: f"Changed {fields} of {result.record(Engagement).title}",
    )


async def delete(request: Request, id: int) -> Response:
    engagement = (await store.get(request.db, id)).decode(Engagement)
    result = await perform(request, "deleteEngagement", id)
    path = render.return_path(request, "/engagements")
    return render.redirect(request, path, f"Deleted {engagement.title}", result.operation)
