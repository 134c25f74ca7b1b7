"""The handlers of histories."""

import base64
import re
from urllib.parse import parse_qsl

from retainer.contacts import store as contacts
from retainer.documents import store as documents
from retainer.errors import NotFound, invalid
from retainer.journal import store
from retainer.organizations import store as organizations
from retainer.projects import store as projects
from retainer.request import Answer, Request, json
from retainer.routing import Exists
from retainer.tasks import store as tasks

PAGED = ("limit", "cursor")
USUAL, MOST = 50, 1000  # entries of a page
NEWEST = (2**62, 0)  # the place before all entries

_PLACE = re.compile(r"(\d{1,16})\.(\d{1,9})", re.ASCII)


async def of_organization(request: Request, id: int) -> Answer:
    return await history(request, "organizations", organizations.exists, id)


async def of_contact(request: Request, id: int) -> Answer:
    return await history(request, "contacts", contacts.exists, id)


async def of_project(request: Request, id: int) -> Answer:
    return await history(request, "projects", projects.exists, id)


async def of_task(request: Request, id: int) -> Answer:
    return await history(request, "tasks", tasks.exists, id)


async def of_document(request: Request, id: int) -> Answer:
    return await history(request, "documents", documents.exists, id)


async def history(request: Request, noun: str, exists: Exists, id: int) -> Answer:
    """A page of a record's history, and where the next one is."""
    asked = dict(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True))
    most = limit(asked["limit"]) if "limit" in asked else USUAL
    row = await store.page(request.db, noun, id, place(asked["cursor"]) if "cursor" in asked else NEWEST, most)
    if not row["count"] and not await exists(request.db, id):
        raise NotFound
    answer = json(b"[%b]" % (row["chunk"] or b""))
    if row["count"] > most:
        answer.headers.append((b"link", next_page(request.path, most, row["operation"], row["sequence"])))
    return answer


def limit(text: str) -> int:
    """How many entries a page shall have."""
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or not 1 <= int(text) <= MOST:
        raise invalid("limit", f'must be a whole number from 1 to {MOST}, not "{text[:40]}"')
    return int(text)


def place(cursor: str) -> tuple[int, int]:
    """The place that a cursor stands for."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found = _PLACE.fullmatch(base64.b64decode(padded, altchars=b"-_", validate=True).decode())
    except ValueError:
        found = None
    if found is None:
        raise invalid("cursor", "is none that a page's Link gave; leave it out to begin with the newest")
    return int(found[1]), int(found[2])


def next_page(path: str, most: int, operation: int, sequence: int) -> bytes:
    """The Link that leads on (RFC 8288)."""
    cursor = base64.urlsafe_b64encode(b"%d.%d" % (operation, sequence)).rstrip(b"=").decode()
    return f'<{path}?limit={most}&cursor={cursor}>; rel="next"'.encode()
