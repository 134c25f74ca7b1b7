"""The page of the trash: what was deleted, by whom and when, to be restored by undoing that."""

from typing import Any

from starlette.responses import Response

from retainer.http.request import Request
from retainer.journal import store as journal
from retainer.journal.trash import store
from retainer.nouns import NOUNS
from retainer.pages import record_picker, render
from retainer.pages.list_page import paginate

Row = dict[str, Any]


async def index(request: Request) -> Response:
    page = await paginate(request, store.TRASH)
    ids = {("organizations", row["organizationId"]) for row in page.rows if row["organizationId"]}
    names = await journal.titles(request.db, ids)
    for row in page.rows:
        is_organization = row["kind"] == "organization"
        row["organization"] = (
            "" if is_organization else names.get(("organizations", row["organizationId"]), "")
        )
        row["place"] = place(row)
        row["together"] = sum(other["operationId"] == row["operationId"] for other in page.rows) - 1
    people = await record_picker.colleagues(request)
    return await render.page(
        request, "trash/list.html", page=page, kinds=list(store.TrashKind), people=people
    )


_PAGES = {noun.singular: noun.page for noun in NOUNS.values() if noun.trash}


def place(row: Row) -> str:
    """Where the record is once it is restored."""
    return _PAGES[row["kind"]].format(id=row["id"], organizationId=row["organizationId"])
