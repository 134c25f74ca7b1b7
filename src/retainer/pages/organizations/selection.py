"""Changing, deleting and exporting several organizations of the list at once.

For "select all that match" the form holds the list's parameters instead of ids. A change of several
is one operation, which is undone as one.
"""

import re
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from retainer.errors import Invalid, Problem, TooLarge, invalid
from retainer.http.bulk.lines import LinesRefused
from retainer.http.bulk.run import MAX_LINES
from retainer.http.request import Request
from retainer.journal.feed import titles_of
from retainer.lists.response import file_response
from retainer.pages import render
from retainer.pages.list_page import matching_ids
from retainer.pages.submit import perform
from retainer.records.organizations import store

_ID = re.compile(r"\d{1,16}", re.ASCII)
FieldValues = dict[str, Any]


async def change(request: Request) -> Response:
    try:
        wanted = requested_change(request)
        ids = await selected_ids(request)
        result = await perform(request, "bulk", raw=b"\n".join(bulk_line(id, wanted) for id in ids))
    except LinesRefused as problem:
        return await refused_page(request, problem, ids)
    except (Invalid, TooLarge) as problem:
        return await refused_page(request, problem, [])
    message = await message_of(request, wanted, len(ids))
    return render.redirect(
        request, render.return_path(request, "/organizations"), message, result.operation
    )


def requested_change(request: Request) -> FieldValues | None:
    """Fields to change; None to delete. Raises Invalid if the form asks for neither."""
    if request.data.get("do") == "delete":
        return None
    wanted: FieldValues = {
        name: request.data[name] for name in ("status", "ownerId") if request.data.get(name)
    }
    if not wanted:
        raise invalid("status", "was not chosen, nor an owner; choose what to change")
    if _ID.fullmatch(wanted.get("ownerId", "")):
        wanted["ownerId"] = int(wanted["ownerId"])
    return wanted


async def selected_ids(request: Request) -> list[int]:
    """Ids that were selected, or of all that match. Raises Invalid for none and for too many."""
    matching = request.data.get("matching", "").strip("&")
    if matching == "all":
        ids = await matching_ids(request, store.LIST, "", MAX_LINES)
    elif matching:
        ids = await matching_ids(request, store.LIST, matching, MAX_LINES)
    else:
        ids = [int(id) for id in dict.fromkeys(request.data.all("record")) if _ID.fullmatch(id)]
    if not ids:
        raise invalid("record", "names no organization; select some first")
    return ids


def bulk_line(id: int, wanted: FieldValues | None) -> bytes:
    """Line of the API's bulk operation for one organization."""
    path = f"/organizations/{id}"
    if wanted is None:
        return msgspec.json.encode({"method": "DELETE", "path": path})
    return msgspec.json.encode({"method": "PUT", "path": path, "body": wanted})


async def message_of(request: Request, wanted: FieldValues | None, count: int) -> str:
    what = f"{count:,} organizations"
    if count == 1:
        what = "1 organization"
    if wanted is None:
        return f"Deleted {what}"
    if wanted == {"status": "archived"}:
        return f"Archived {what}"
    parts = []
    if "status" in wanted:
        parts.append(f"status {wanted['status']}")
    if "ownerId" in wanted:
        owner = ("users", wanted["ownerId"])
        names = await titles_of(request.db, {owner})
        parts.append(f"owner {names.get(owner, '')}")
    return f"Gave {what} the {' and the '.join(parts)}"


async def refused_page(request: Request, problem: Problem, ids: list[int]) -> Response:
    """Explain that nothing was changed, because of which organizations, and what to do."""
    lines = [(ids[found.line - 1], found.detail) for found in problem.lines[:50] if ids]
    names = await titles_of(request.db, {("organizations", id) for id, _ in lines})
    return await render.page(
        request,
        "organizations/refused.html",
        status=problem.status,
        problem=problem,
        back=render.return_path(request, "/organizations"),
        lines=[
            (id, names.get(("organizations", id), f"Organization {id}"), words)
            for id, words in lines
        ],
    )


async def export_selected(request: Request) -> Response:
    """Answer the selected organizations as CSV."""
    matching = request.data.get("matching", "").strip("&")
    if matching == "all":
        return render.redirect(request, "/organizations/export")
    if matching:
        query = quote(matching, safe="=&:,.%+-")
        return render.redirect(request, f"/organizations/export?{query}")
    try:
        return await file_response(request, await selected_ids(request))
    except Invalid as problem:
        return await refused_page(request, problem, [])
