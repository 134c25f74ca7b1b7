"""The pages of what was done: the activity feed, one operation, undoing it, and why that cannot be."""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.responses import Response

from retainer.errors import Conflict, Invalid, NotFound, Problem
from retainer.http.request import Request
from retainer.journal import store
from retainer.pages import record_picker, render
from retainer.pages.journal import diffs, sentences
from retainer.pages.list_page import find, paginate
from retainer.pages.submit import perform

MAX_CHANGES = 200  # changes of an operation that its page shows
_RECORD = re.compile(r"/(\w+)/(\d{1,16})(?:[/?].*)?", re.ASCII)
Row = dict[str, Any]


async def activity(request: Request) -> Response:
    """What everybody did, the newest first, by days."""
    page = await paginate(request, store.FEED, counted=False)
    ids = [row["id"] for row in page.rows]
    told, undoable = await sentences_of(request, ids), await store.undoable(request.db, ids)
    page.rows[:] = [row for row in page.rows if row["id"] in told and row["id"] in undoable]
    days = [day_of(request, row["at"]) for row in await before(request)]
    for row in page.rows:
        row.update(undoable[row["id"]])
        row["day"] = day_of(request, row["at"])
        row["begins"] = [row["day"]] != days[-1:]
        row["lines"] = diffs.lines(told[row["id"]][0].changes, told[row["id"]][1])
        row["sentence"] = told[row["id"]][0]
        days.append(row["day"])
    people = await record_picker.colleagues(request)
    return await render.page(request, "journal/activity.html", page=page, people=people)


async def before(request: Request) -> list[Row]:
    """The row that a further part of the list stands behind: its day was begun there."""
    place = request.query.place if request.query else None
    return (
        await find(request, store.OPERATIONS, id=place[0], fields="at", limit="1") if place else []
    )


def day_of(request: Request, at: str) -> str:
    """The day of a moment, where the viewer is."""
    return (
        datetime.fromisoformat(at).astimezone(ZoneInfo(request.viewer.time_zone)).date().isoformat()
    )


async def sentences_of(
    request: Request, ids: list[int]
) -> dict[int, tuple[sentences.Sentence, diffs.Titles]]:
    """What operations did, in a sentence each, with what its values refer to."""
    groups = await store.groups(request.db, ids)
    records = sentences.records_named(groups).union(
        *(diffs.references(group["changes"]) for group in groups)
    )
    titles = await store.titles(request.db, records)
    return {id: (sentence, titles) for id, sentence in sentences.sentences(groups, titles).items()}


async def operation(request: Request, id: int) -> Response:
    """What one operation did, record by record."""
    row = await store.read(request.db, id, MAX_CHANGES)
    if row is None:
        raise NotFound
    found = msgspec.json.decode(row[2])
    told = (await sentences_of(request, [id])).get(id)
    return await render.page(
        request,
        "journal/operation.html",
        operation=found,
        sentence=told[0] if told else None,
        changes=await changes(request, found["changes"]),
        words=sentences.describe_unchanged(found, request.app.table.named),
    )


async def changes(request: Request, rows: list[Row]) -> list[Row]:
    """Each change with what its record is called, where that is, and its diff."""
    titles = await store.titles(request.db, diffs.records_in(rows))
    for row in rows:
        group = {"id": row["entityId"], "alike": 1, "organizationId": organization_of(row)}
        row["sentence"] = sentences.sentence(0, [row | group], titles)
        row["lines"] = diffs.lines(row["changes"], titles)
    return rows


def organization_of(row: Row) -> int | None:
    """To which organization a change belongs, as far as its fields say."""
    if row["entity"] == "organizations":
        return int(row["entityId"])
    fields = {change["field"]: change["after"] or change["before"] for change in row["changes"]}
    return fields.get("organizationId")


async def undo(request: Request, id: int) -> Response:
    told = (await sentences_of(request, [id])).get(id)
    try:
        result = await perform(request, "undoOperation", id)
    except (Conflict, Invalid) as problem:
        return await clash(request, problem, id, told[0] if told else None)
    words = told[0].undone if told else "Undid the change"
    return render.redirect(request, await return_path(request, id), words, result.operation)


async def return_path(request: Request, id: int) -> str:
    """Where to go from there: back, unless what was shown there is gone with what was undone."""
    path = render.return_path(request, f"/operations/{id}")
    match = _RECORD.fullmatch(path)
    if match is None or match[1] not in store.LISTS:
        return path
    is_there = await find(request, store.LISTS[match[1]], id=match[2], fields="id", limit="1")
    return path if is_there else f"/{match[1]}"


async def clash(
    request: Request, problem: Problem, id: int, sentence: sentences.Sentence | None
) -> Response:
    """Why it cannot be undone: what came later, by whom and when, and what can be done about it."""
    unknown = {
        "title": None,
        "by": None,
        "at": None,
        "operationId": None,
    }  # what a clash leaves out
    clashes = [unknown | msgspec.to_builtins(one) for one in problem.clashes]
    ids = [one["operationId"] for one in clashes if one.get("operationId")]
    can_undo = await store.undoable(request.db, ids)
    for one in clashes:
        one["canUndo"] = can_undo.get(one.get("operationId"), {}).get("canUndo", False)
        one["href"] = sentences.record_path(
            {"id": one["entityId"], "organizationId": None, "action": "", **one}
        )
    return await render.page(
        request,
        "journal/clash.html",
        status=problem.status,
        problem=problem,
        clashes=clashes,
        operation_id=id,
        sentence=sentence,
        back=render.return_path(request, f"/operations/{id}"),
    )
