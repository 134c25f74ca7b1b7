"""The pages of activities: all of them, one, and the forms that log, change and delete one."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.responses import Response

from retainer.errors import Conflict, Invalid, NotFound, Problem
from retainer.http.forms import blank
from retainer.http.request import Request
from retainer.journal import store as journal
from retainer.pages import record_picker, render
from retainer.pages.activities.form import CHOICES, contacts_of
from retainer.pages.list_page import find, paginate
from retainer.pages.submit import edit, perform
from retainer.records.activities import store
from retainer.records.activities.model import ActivityCreate, ActivityUpdate
from retainer.records.organizations import store as organizations


async def index(request: Request) -> Response:
    page = await paginate(request, store.LIST, expand=("organization",))
    people = await record_picker.colleagues(request)
    return await render.page(request, "activities/list.html", page=page, people=people, **CHOICES)


async def new(request: Request) -> Response:
    """The whole form, from anywhere; the parameters of the address are its fields."""
    taken = ("organizationId", "text", "kind", "back")
    return await form(
        request, {name: text for name, text in request.query.items() if name in taken}
    )


async def form(
    request: Request, values: dict[str, Any], problem: Problem | None = None
) -> Response:
    values = (
        blank(ActivityCreate)
        | {"organization": "", "organizationId": "", "back": "", "contactIds": ""}
        | values
    )
    organization = await record_picker.organization_of(request, str(values["organizationId"]))
    return await render.page(
        request,
        "activities/form.html",
        status=problem.status if problem else 200,
        values=values,
        candidates=record_picker.candidates_of(problem),
        organization=organization,
        errors=render.field_errors(problem) if problem else {},
        ticked=values["contactIds"].split(","),
        contacts=await contacts_of(request, organization["id"]) if organization else [],
        is_needed=True,
        cancel=render.own_path(values["back"], "/activities"),
        **CHOICES,
    )


async def create(request: Request) -> Response:
    body = _sent(request, ActivityCreate)
    try:
        organization = await record_picker.id_from_form(request, organizations.LIST, "organization")
        result = await perform(request, "createActivity", organization, body=body)
    except (Invalid, Conflict) as problem:
        return await form(request, dict(request.data), problem)
    path = f"/organizations/{organization}/activities"
    return render.redirect(
        request,
        render.return_path(request, path),
        f"Logged the {_word(result.record)}",
        result.operation,
    )


def _sent(request: Request, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The form as the API takes it: contacts from several boxes, the time where the viewer is as
    one with a zone. A time that stayed as it was shown is left out, for a field has no seconds.
    """
    given = request.data
    if "contactIds" in given:
        given["contactIds"] = ",".join(part for part in given.all("contactIds") if part)
    sent: dict[str, Any] = given.body(kind)
    when = sent.pop("happenedAt", "")
    if when and when != given.get("happenedBefore"):
        sent["happenedAt"] = _moment(when, request.viewer.time_zone)
    return sent


def _moment(text: str, zone: str) -> str:
    try:
        return (
            datetime.fromisoformat(text)
            .replace(tzinfo=ZoneInfo(zone))
            .isoformat(timespec="milliseconds")
        )
    except ValueError:
        return text  # refused by its name


def _word(activity: dict[str, Any]) -> str:
    return {"email": "e-mail"}.get(activity["kind"], str(activity["kind"]))


async def show_one(request: Request, id: int) -> Response:
    row = await store.read(request.db, id)
    found = await find(request, store.LIST, id=str(id), expand="organization")
    if row is None or not found:
        raise NotFound
    activity = found[0]
    return await render.page(
        request,
        "activities/activity.html",
        activity=activity,
        version=f"{row[0]}-{row[1]}",
        contacts=await _with(request, activity) if request.viewer.may("activities.write") else [],
        changes=await find(request, journal.HISTORY["activities"], parent=id, limit="10")
        if request.viewer.may("history.read")
        else [],
        errors={},
        back=render.own_path(request.query.get("back", ""), ""),
        known={contact["id"]: contact["fullName"] for contact in activity["contacts"]},
        **CHOICES,
    )


async def _with(request: Request, activity: dict[str, Any]) -> list[dict[str, Any]]:
    """Whom the form offers: the organization's contacts, and those who are linked, whatever became
    of them.
    """
    found = await contacts_of(request, activity["organizationId"])
    seen = {contact["id"] for contact in found}
    found += [contact for contact in activity["contacts"] if contact["id"] not in seen]
    return found


async def update(request: Request, id: int) -> Response:
    """Change what the form has, while nobody else has changed the activity since it was page."""
    path, sent = f"/activities/{id}", _sent(request, ActivityUpdate)
    return await edit(
        request, "updateActivity", id, path, sent, lambda made: f"Changed the {_word(made)}"
    )


async def delete(request: Request, id: int) -> Response:
    row = await store.read(request.db, id)
    activity = msgspec.json.decode(row[2]) if row else {"kind": "activity", "organizationId": 0}
    result = await perform(request, "deleteActivity", id)
    path = f"/organizations/{activity['organizationId']}/activities"
    return render.redirect(
        request,
        render.return_path(request, path),
        f"Deleted the {_word(activity)}",
        result.operation,
    )
