"""The audit for administrators: everything that was done or refused, sign-ins too, to be filtered
and exported.
"""

from typing import Any

from starlette.responses import Response

from retainer.http.request import API, WEB, Request
from retainer.identity.users import store as users
from retainer.journal import store
from retainer.pages import render
from retainer.pages.journal import sentences
from retainer.pages.journal.handlers import sentences_of
from retainer.pages.list_page import find, paginate

Row = dict[str, Any]
VIA = [(WEB, "These pages"), (API, "The API"), ("undo", "Undo"), ("command", "The command line")]


async def show_all(request: Request) -> Response:
    page = await paginate(request, store.AUDIT)
    told = await sentences_of(request, [row["id"] for row in page.rows if row["records"]])
    for row in page.rows:
        row["sentence"] = told[row["id"]][0] if row["id"] in told else None
        row["words"] = sentences.describe_unchanged(row, request.app.table.named)
    people = await find(request, users.LIST, fields="id,fullName", sort="fullName", limit="1000")
    return await render.page(
        request,
        "journal/audit.html",
        page=page,
        people=[(one["id"], one["fullName"]) for one in people],
        actions=actions(request),
        via=VIA,
    )


def actions(request: Request) -> list[tuple[str, str]]:
    """What may be asked for, as choices."""
    found = [
        route for route in request.app.table.named.values() if route.changes and not route.html
    ]
    return sorted(((route.name, route.summary) for route in found), key=lambda choice: choice[1])
