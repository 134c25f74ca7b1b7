"""What pages of an organization say of its activities, and what the line offers that logs one."""

from typing import Any

from retainer.activities import store as activities
from retainer.activities.model import ActivityKind
from retainer.fields import Audience
from retainer.lists.shown import find
from retainer.members import store as members
from retainer.request import Request

LATEST = "3"  # activities that the overview shows
NAMED = "200"  # contacts that the line offers


async def latest(request: Request, id: int) -> dict[str, Any]:
    """What the overview says of activities, and its line to log one."""
    found = await find(request, activities.OF_ORGANIZATION, parent=id, limit=LATEST)
    return {"latest": found, **await logging(request, id)}


async def logging(request: Request, id: int) -> dict[str, Any]:
    """What the line that logs an activity offers: kinds, audiences, and the contacts it may have been with."""
    found = await find(request, members.LIST, parent=id, limit=NAMED, expand="contact")
    contacts = [{"id": m["contactId"], "fullName": m["contact"]["fullName"]} for m in found]
    return {"contacts": contacts, "kinds": list(ActivityKind), "audiences": list(Audience)}
