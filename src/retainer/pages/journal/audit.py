"""The audit for administrators: everything that was done or refused, sign-ins too, to be filtered
and exported.
"""

from typing import Any

from retainer.http.request import API, WEB, Answer, Request
from retainer.identity.users import store as users
from retainer.journal import store
from retainer.pages import render
from retainer.pages.journal import sentences
from retainer.pages.journal.handlers import described
from retainer.pages.list_page import find, show

Row = dict[str, Any]
VIA = [(WEB, "These pages"), (API, "The API"), ("undo", "Undo"), ("command", "The command line")]


async def show_all(request: Request) -> Answer:
    shown = await show(request, store.AUDIT)
    told = await described(request, [row["id"] for row in shown.rows if row["records"]])
    for row in shown.rows:
        row["sentence"] = told[row["id"]][0] if row["id"] in told else None
        row["words"] = sentences.wordless(row, request.app.table.named)
    people = await find(request, users.LIST, fields="id,fullName", sort="fullName", limit="1000")
    return await render.page(
        request,
        "journal/audit.html",
        shown=shown,
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
