"""The form of an activity, whole or as the line that logs one."""

from typing import Any

from retainer.http.fields import Audience
from retainer.http.request import Request
from retainer.pages.list_page import find
from retainer.records.activities.model import ActivityKind
from retainer.records.members import store as members

CHOICES: dict[str, Any] = {"kinds": list(ActivityKind), "audiences": list(Audience)}
MAX_CONTACTS = "200"  # people of an organization that a form offers


async def log_line(request: Request, organization: int) -> dict[str, Any]:
    """What the line that logs an activity offers."""
    return {"contacts": await contacts_of(request, organization), **CHOICES}


async def contacts_of(request: Request, organization: int) -> list[dict[str, Any]]:
    """The contacts of an organization, with whom something may have been."""
    found = await find(
        request, members.LIST, parent=organization, limit=MAX_CONTACTS, expand="contact"
    )
    return [{"id": m["contactId"], "fullName": m["contact"]["fullName"]} for m in found]
