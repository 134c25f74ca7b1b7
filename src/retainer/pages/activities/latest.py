"""What pages of an organization say of its activities, and what the line offers that logs one."""

from typing import Any

from retainer.http.fields import Audience
from retainer.http.request import Request
from retainer.pages.list_page import find
from retainer.records.activities import store as activities
from retainer.records.activities.model import ActivityKind
from retainer.records.members import store as members

LATEST = "3"  # activities that the overview shows
NAMED = "200"  # contacts that the line offers


async def latest(request: Request, id: int) -> dict[str, Any]:
    """What the overview says of activities, and its line to log one."""
    found = await find(request, activities.OF_ORGANIZATION, parent=id, limit=LATEST)
    return {"latest": found, **await logging(request, id)}


async def logging(request: Request, id: int) -> dict[str, Any]:
    """What the line that logs an activity offers: kinds, audiences, and the contacts it may have
    been with.
    """
    found = await find(request, members.LIST, parent=id, limit=NAMED, expand="contact")
    contacts = [{"id": m["contactId"], "fullName": m["contact"]["fullName"]} for m in found]
    return {"contacts": contacts, "kinds": list(ActivityKind), "audiences": list(Audience)}
