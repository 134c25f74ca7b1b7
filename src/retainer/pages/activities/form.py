"""Fields of an activity, for its form and for the line that logs one on an organization's page."""

from typing import Any

from retainer.http.fields import Audience
from retainer.http.request import Request
from retainer.pages.form import Field, Fields
from retainer.pages.list_page import find
from retainer.pages.rows import MemberRow
from retainer.records.activities.model import ActivityContact, ActivityKind
from retainer.records.members import store as members

KINDS = [("call", "Call"), ("meeting", "Meeting"), ("email", "E-mail"), ("note", "Note")]
AUDIENCES = [("internal", "Only us"), ("client", "The client, too")]
FIELDS = Fields(
    Field("organization", "Organization", in_form="own"),
    Field("kind", "Kind", "select", options=KINDS, default="call", required=True, in_form="own"),
    Field("text", "What happened", required=True, rows=3, maxlength=20_000, in_form="own"),
    Field("contactIds", "With whom", in_form="own"),
    Field("happenedAt", "When", "datetime-local", hint="Now, if you leave it empty"),
    Field("audience", "Who may read it", "select", options=AUDIENCES, default="internal",
          required=True, same_line=True),
    Field("externalId", "External id", maxlength=255, in_form="no"),
)  # fmt: skip
CHOICES: dict[str, Any] = {"kinds": list(ActivityKind), "audiences": list(Audience)}
MAX_CONTACTS = "200"  # people of an organization that a form offers


async def log_line(request: Request, organization: int) -> dict[str, Any]:
    """Choices of the line that logs an activity."""
    return {"contacts": await contacts_of(request, organization), **CHOICES}


async def contacts_of(request: Request, organization: int) -> list[ActivityContact]:
    """Contacts of an organization, to be chosen for an activity."""
    found = await find(
        request, members.LIST, MemberRow, parent=organization, limit=MAX_CONTACTS, expand="contact"
    )
    return [ActivityContact(one.contact_id, one.contact.full_name) for one in found]
