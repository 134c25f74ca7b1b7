"""Trash: deleted records, with who deleted them and when. They are restored by undoing that."""

from collections import Counter
from typing import NamedTuple

from starlette.responses import Response

from retainer.http.request import Request
from retainer.journal.feed import titles_of
from retainer.journal.trash import store
from retainer.journal.trash.model import TrashEntry
from retainer.nouns import NOUNS
from retainer.pages import record_picker, render
from retainer.pages.list_page import count, paginate

_TRASHED = [noun for noun in NOUNS.values() if noun.trash]
_PAGES = {noun.singular: noun.page for noun in _TRASHED}


class TrashRow(NamedTuple):
    """A deleted record as the trash shows it."""

    entry: TrashEntry
    organization: str  # name of the organization that it belongs to; "" for none
    path: str  # of its page once it is restored
    together: int  # records in the trash that the same operation deleted, each with its tree


async def index(request: Request) -> Response:
    page = await paginate(request, store.TRASH, TrashEntry)
    ids = {("organizations", one.organization_id) for one in page.rows if one.organization_id}
    names = await titles_of(request.db, ids)
    together = await deleted_together(request, [one.operation_id for one in page.rows])
    return await render.page(
        request,
        "trash/list.html",
        page=page,
        entries=[
            TrashRow(one, organization_name(one, names), path(one), together[one.operation_id])
            for one in page.rows
        ],
        kinds=list(store.TrashKind),
        nouns=[noun.table for noun in _TRASHED],
        people=await record_picker.colleagues(request),
    )


async def deleted_together(request: Request, operations: list[int]) -> dict[int, int]:
    """Number of the records in the trash that each operation deleted. An operation's records stand
    together, so that only those of the first and the last row can be on other pages as well.
    """
    found = dict(Counter(operations))
    for id in {*operations[:1], *operations[-1:]}:
        found[id] = await count(request, store.TRASH, {"operationId": str(id)})
    return found


def organization_name(entry: TrashEntry, names: dict[tuple[str, int], str]) -> str:
    """Name of the organization that a record belongs to; "" for an organization itself."""
    if entry.kind == "organization" or entry.organization_id is None:
        return ""
    return names.get(("organizations", entry.organization_id), "")


def path(entry: TrashEntry) -> str:
    """Path of the record's page once it is restored."""
    return _PAGES[entry.kind].format(id=entry.id, organizationId=entry.organization_id)
