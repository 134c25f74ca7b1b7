"""Pages of activities: the list, one activity, and the forms that log, change and delete one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from starlette.responses import Response

from retainer.errors import Conflict, Invalid, NotFound, Problem
from retainer.http.request import Request
from retainer.pages import record_picker, render
from retainer.pages.activities.form import CHOICES, FIELDS, contacts_of
from retainer.pages.edit import edit
from retainer.pages.form import form_page
from retainer.pages.journal.history import last_changes
from retainer.pages.list_page import find, paginate
from retainer.pages.record_picker import ORGANIZATION, is_id
from retainer.pages.rows import ActivityRow
from retainer.pages.submit import perform
from retainer.records.activities import store
from retainer.records.activities.model import (
    Activity,
    ActivityContact,
    ActivityCreate,
    ActivityKind,
    ActivityUpdate,
)
from retainer.records.contacts import store as people
from retainer.records.contacts.model import Contact

_FORM_PARAMETERS = ("organizationId", "text", "kind", "back")


async def index(request: Request) -> Response:
    page = await paginate(request, store.LIST, ActivityRow, expand=("organization",))
    return await render.page(
        request,
        "activities/list.html",
        page=page,
        people=await record_picker.colleagues(request),
        contact=await _name_of_contact(request, page.parameters.get("contactId", "")),
        **CHOICES,
    )


async def _name_of_contact(request: Request, id: str) -> str:
    """Name of the contact of the list; its number where the viewer sees none of that id."""
    if not is_id(id):
        return id
    found = await find(request, people.LIST, Contact, id=id)
    return found[0].full_name if found else f"contact {id}"


async def new(request: Request) -> Response:
    """Show the whole form, filled in from the URL's parameters."""
    given = {name: request.query[name] for name in _FORM_PARAMETERS if name in request.query}
    return await form(request, given)


async def form(
    request: Request, values: Mapping[str, str], problem: Problem | None = None
) -> Response:
    values = {**FIELDS.blank(), "back": "", **values}
    of = values.get("organizationId", "")
    organization = await record_picker.organization_of(request, of)
    contacts = []
    if organization is not None:
        contacts = await contacts_of(request, organization.id)
    return await form_page(
        request,
        "activities/form.html",
        problem,
        fields=FIELDS,
        values=values,
        organization=organization,
        ticked=values["contactIds"].split(","),
        contacts=contacts,
        cancel=render.own_path(values["back"], "/activities"),
    )


async def create(request: Request) -> Response:
    body = _body(request, ActivityCreate)
    try:
        organization = await record_picker.id_from_form(request, ORGANIZATION)
        result = await perform(request, "createActivity", organization, body=body)
    except (Invalid, Conflict) as problem:
        return await form(request, request.data, problem)
    path = render.return_path(request, f"/organizations/{organization}/activities")
    message = f"Logged the {_noun(result.record(Activity))}"
    return render.redirect(request, path, message, result.operation)


def _body(request: Request, type: type[Struct]) -> dict[str, Any]:
    """The form as the API takes it: the ticked contacts in one list, and the time, which is in the
    viewer's time zone, with its offset.

    What was not changed is left out: the time, because the form's input has no seconds and would
    cut them off, and the contacts, which others may have changed meanwhile.
    """
    given = request.data
    if "contactIds" in given:
        given["contactIds"] = ",".join(part for part in given.all("contactIds") if part)
    sent: dict[str, Any] = given.body(type)
    if "contactsBefore" in given and set(sent.get("contactIds", ())) == _ids(
        given["contactsBefore"]
    ):
        del sent["contactIds"]
    when = sent.pop("happenedAt", "")
    if when and when != given.get("happenedBefore"):
        sent["happenedAt"] = _moment(when, request.viewer.time_zone)
    return sent


def _ids(text: str) -> set[int]:
    return {int(part) for part in text.split(",") if is_id(part)}


def _moment(text: str, zone: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text  # the API refuses it by the field's name
    return moment.replace(tzinfo=ZoneInfo(zone)).isoformat(timespec="milliseconds")


def _noun(activity: Activity) -> str:
    if activity.kind == ActivityKind.EMAIL:
        return "e-mail"
    return activity.kind.value


async def show_one(request: Request, id: int) -> Response:
    stored = await store.get(request.db, id)
    found = await find(request, store.LIST, ActivityRow, id=str(id), expand="organization")
    if not found:
        raise NotFound
    activity = found[0]
    return await render.page(
        request,
        "activities/activity.html",
        activity=activity,
        version=stored.etag,
        fields=FIELDS,
        contacts=await _offered_contacts(request, activity),
        changes=await last_changes(request, "activities", id),
        back=render.own_path(request.query.get("back", ""), ""),
        known={contact.id: contact.full_name for contact in activity.contacts},
    )


async def _offered_contacts(request: Request, activity: ActivityRow) -> list[ActivityContact]:
    """Contacts that the form offers: the organization's, and those linked already, even if they no
    longer belong to it.
    """
    if not request.viewer.may("activities.write"):
        return []
    found = await contacts_of(request, activity.organization_id)
    known = {contact.id for contact in found}
    return found + [contact for contact in activity.contacts if contact.id not in known]


async def update(request: Request, id: int) -> Response:
    """Change the fields that were sent, if the activity is still as the form showed it."""
    return await edit(
        request,
        FIELDS,
        "updateActivity",
        id,
        f"/activities/{id}",
        _body(request, ActivityUpdate),
        lambda result: f"Changed the {_noun(result.record(Activity))}",
    )


async def delete(request: Request, id: int) -> Response:
    activity = (await store.get(request.db, id)).decode(Activity)
    result = await perform(request, "deleteActivity", id)
    usual = f"/organizations/{activity.organization_id}/activities"
    path = render.return_path(request, usual)
    return render.redirect(request, path, f"Deleted the {_noun(activity)}", result.operation)
