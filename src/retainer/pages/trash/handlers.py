"""The page of the trash: what was deleted, by whom and when, to be restored by undoing that."""

from typing import Any

from starlette.responses import Response

from retainer.http.request import Request
from retainer.journal import store as journal
from retainer.journal.trash import store
from retainer.journal.trash.model import TrashKind
from retainer.pages import record_picker, render
from retainer.pages.list_page import paginate

Row = dict[str, Any]


async def index(request: Request) -> Response:
    page = await paginate(request, store.TRASH)
    ids = {("organizations", row["organizationId"]) for row in page.rows if row["organizationId"]}
    names = await journal.titles(request.db, ids)
    for row in page.rows:
        own = row["kind"] == TrashKind.ORGANIZATION
        row["organization"] = "" if own else names.get(("organizations", row["organizationId"]), "")
        row["place"] = place(row)
        row["together"] = sum(other["operationId"] == row["operationId"] for other in page.rows) - 1
    people = await record_picker.colleagues(request)
    return await render.page(
        request, "trash/list.html", page=page, kinds=list(TrashKind), people=people
    )


def place(row: Row) -> str:
    """Where the record is once it is restored."""
    organization = f"/organizations/{row['organizationId']}"
    if row["kind"] == TrashKind.MEMBER:
        return f"{organization}/members"
    if row["kind"] == TrashKind.ACTIVITY:
        return f"{organization}/activities"
    return f"/{row['kind']}s/{row['id']}"
