"""The audit for administrators: everything that was done or refused, sign-ins too, to be filtered and exported."""

from typing import Any

from retainer import pages
from retainer.journal import store
from retainer.journal.pages import described
from retainer.lists.answer import listed
from retainer.lists.shown import find, show
from retainer.request import API, WEB, Answer, Request
from retainer.users import store as users

Row = dict[str, Any]
VIA = [(WEB, "These pages"), (API, "The API"), ("command", "The command line")]
# What changes no record, in words: when it was done, and when it was refused.
WORDS = {
    "login": ("signed in", "tried to sign in"),
    "logout": ("signed out", ""),
    "setup": ("chose a password with a link", ""),
    "changeOwnPassword": ("changed their password", "tried to change their password"),
    "endOwnSession": ("ended one of their sessions", ""),
    "endUserSessions": ("ended all sessions of a user", "tried to end all sessions of a user"),
    "createUserLink": ("made a link to choose a password", "tried to make a link to choose a password"),
}


async def show_all(request: Request) -> Answer:
    shown = await show(request, store.AUDIT)
    told = await described(request, [row["id"] for row in shown.rows if row["records"]])
    for row in shown.rows:
        row["sentence"] = told[row["id"]][0] if row["id"] in told else None
        row["words"] = words(request, row)
    people = await find(request, users.LIST, fields="id,fullName", sort="fullName", limit="1000")
    return await pages.page(
        request, "journal/audit.html", shown=shown, people=[(one["id"], one["fullName"]) for one in people],
        actions=actions(request), via=VIA,
    )  # fmt: skip


def words(request: Request, row: Row) -> str:
    """What was done or tried, of what no sentence tells."""
    name = row["action"].removesuffix("Form").removesuffix("Page")
    is_refused = row["outcome"] == "refused"
    if name in WORDS:
        return WORDS[name][is_refused] or WORDS[name][0]
    route = request.app.table.named.get(name)
    summary = route.summary if route and not route.html else f"{row['action']}"
    return f"was refused: {summary}" if is_refused else summary


def actions(request: Request) -> list[tuple[str, str]]:
    """What may be asked for, as choices."""
    found = [route for route in request.app.table.named.values() if route.changes and not route.html]
    return sorted(((route.name, route.summary) for route in found), key=lambda choice: choice[1])


async def export(request: Request) -> Answer:
    """All that match, as CSV."""
    request.headers[b"accept"] = b"text/csv"
    answer = await listed(request)
    answer.headers.append((b"content-disposition", b'attachment; filename="audit.csv"'))
    return answer
