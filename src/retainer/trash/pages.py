"""The page of the trash: what was deleted, by whom and when, to be restored by undoing that."""

from typing import Any

from retainer import choosing, pages
from retainer.journal import store as journal
from retainer.lists.shown import show
from retainer.request import Answer, Request
from retainer.trash import store
from retainer.trash.model import TrashKind
from retainer.users import store as users

Row = dict[str, Any]


async def index(request: Request) -> Answer:
    shown = await show(request, store.TRASH)
    ids = {("organizations", row["organizationId"]) for row in shown.rows if row["organizationId"]}
    names = await journal.titles(request.db, ids)
    for row in shown.rows:
        own = row["kind"] == TrashKind.ORGANIZATION
        row["organization"] = "" if own else names.get(("organizations", row["organizationId"]), "")
        row["place"] = place(row)
        row["together"] = sum(other["operationId"] == row["operationId"] for other in shown.rows) - 1
    people = await choosing.people(request, users.NAMES)
    return await pages.page(request, "trash/list.html", shown=shown, kinds=list(TrashKind), people=people)


def place(row: Row) -> str:
    """Where the record is once it is restored."""
    organization = f"/organizations/{row['organizationId']}"
    if row["kind"] == TrashKind.MEMBER:
        return f"{organization}/members"
    if row["kind"] == TrashKind.ACTIVITY:
        return f"{organization}/activities"
    return f"/{row['kind']}s/{row['id']}"
