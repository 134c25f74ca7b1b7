"""Audit for administrators: everything that was done or refused, including sign-ins, with filters
and an export.
"""

from typing import NamedTuple

from msgspec import Struct
from starlette.responses import Response

from retainer.http.request import API, WEB, Request
from retainer.identity.users import store as users
from retainer.journal import feed
from retainer.journal.model import Actor, Outcome
from retainer.pages import render
from retainer.pages.journal.history import sentences_of
from retainer.pages.journal.sentences import Sentence, describe_unchanged
from retainer.pages.list_page import find, paginate
from retainer.pages.record_picker import Person

CHANNELS = [
    (WEB, "These pages"),
    (API, "The API"),
    ("undo", "Undo"),
    ("command", "The command line"),
]


class AuditRow(Struct):
    """An operation in the audit."""

    id: int
    at: str
    action: str
    via: str
    outcome: Outcome
    count: int
    address: str | None
    actor: Actor | None
    records: int


class AuditEntry(NamedTuple):
    """An operation as the audit shows it."""

    operation: AuditRow
    sentence: Sentence | None
    description: str  # shown where there is no sentence


async def show_all(request: Request) -> Response:
    page = await paginate(request, feed.AUDIT, AuditRow)
    described = await sentences_of(request, [row.id for row in page.rows if row.records])
    sentences = {id: sentence for id, (sentence, _) in described.items()}
    people = await find(
        request, users.LIST, Person, fields="id,fullName", sort="fullName", limit="1000"
    )
    return await render.page(
        request,
        "journal/audit.html",
        page=page,
        entries=[
            AuditEntry(row, sentences.get(row.id), _described(request, row)) for row in page.rows
        ],
        people=[(one.id, one.full_name) for one in people],
        actions=action_choices(request),
        channels=CHANNELS,
    )


def _described(request: Request, row: AuditRow) -> str:
    is_refused = row.outcome == Outcome.REFUSED
    return describe_unchanged(row.action, request.app.table.by_name, is_refused=is_refused)


def action_choices(request: Request) -> list[tuple[str, str]]:
    """Actions that the audit can be filtered by: the API's changes, as choices."""
    found = [
        route for route in request.app.table.by_name.values() if route.changes and not route.html
    ]
    return sorted(((route.name, route.summary) for route in found), key=lambda choice: choice[1])
