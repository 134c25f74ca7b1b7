"""Pages of the journal: the activity feed, one operation, and undoing it or the reasons why that
is impossible.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from starlette.responses import Response

from retainer.database.database import Db
from retainer.errors import Clash, Conflict, Invalid, NotFound, Problem, invalid
from retainer.http.request import Request
from retainer.journal import feed, store, undo_stack
from retainer.journal.model import (
    Actor,
    ListedOperation,
    Outcome,
    RecordChange,
    UndoneOperation,
    UndoPreview,
    UndoQuery,
)
from retainer.journal.undo_preview import preview
from retainer.nouns import NOUNS
from retainer.pages import record_picker, render
from retainer.pages.journal import diffs, sentences
from retainer.pages.journal.history import UndoState, describe_operation, sentences_of, undo_states
from retainer.pages.journal.sentences import Group, Sentence
from retainer.pages.list_page import ListPage, OnlyId, find, paginate
from retainer.pages.render import target
from retainer.pages.submit import Result, perform

FEED_NOUNS = [noun.table for noun in NOUNS.values() if noun.has_history and noun.trash]
_RECORD = re.compile(r"/(\w+)/(\d{1,16})(?:[/?].*)?", re.ASCII)


class FeedRow(Struct):
    """An operation in the feed."""

    id: int
    at: str
    via: str
    actor: Actor | None
    undoes: int | None


class Moment(Struct):
    """The time of an operation."""

    at: str


class FeedEntry(NamedTuple):
    """An operation as the feed shows it."""

    operation: FeedRow
    day: str
    begins_day: bool  # the operation before it was on another day
    sentence: Sentence
    lines: list[diffs.Line]
    undo: UndoState


async def activity(request: Request) -> Response:
    """Show the operations of everybody, the newest first, under a heading for each day."""
    page = await paginate(request, feed.FEED, FeedRow, counted=False)
    people = await record_picker.colleagues(request)
    entries = await feed_entries(request, page)
    return await render.page(
        request,
        "journal/activity.html",
        page=page,
        entries=entries,
        people=people,
        nouns=FEED_NOUNS,
    )


async def feed_entries(request: Request, page: ListPage[FeedRow]) -> list[FeedEntry]:
    ids = [row.id for row in page.rows]
    described, states = await sentences_of(request, ids), await undo_states(request, ids)
    last_day = await day_before(request)
    found = []
    for row in page.rows:
        if row.id not in described or row.id not in states:
            continue
        day = day_of(request, row.at)
        sentence, titles = described[row.id]
        lines = diffs.lines(sentence.changes, titles)
        found.append(FeedEntry(row, day, day != last_day, sentence, lines, states[row.id]))
        last_day = day
    return found


async def day_before(request: Request) -> str | None:
    """Day of the last operation of the part before, whose heading stands there already; None on the
    first part.
    """
    if not request.query or not request.query.position:
        return None
    given = {"id": request.query.position[0], "fields": "at", "limit": "1"}
    found = await find(request, store.OPERATIONS, Moment, given)
    return next((day_of(request, row.at) for row in found), None)


def day_of(request: Request, at: str) -> str:
    """Day of a time in the viewer's time zone."""
    zone = ZoneInfo(request.viewer.time_zone)
    return datetime.fromisoformat(at).astimezone(zone).date().isoformat()


async def operation(request: Request, id: int) -> Response:
    """Show the changes that one operation made to each record, the first of them at first."""
    stored = await store.summary(request.db, id)
    if stored is None:
        raise NotFound
    found = stored.decode(ListedOperation)
    page = await paginate(request, store.CHANGES, RecordChange, parent=id)
    return await render.page(
        request,
        "journal/operation.html",
        operation=found,
        sentence=await sentence_of(request, id),
        preview=await _preview(request, found),
        page=page,
        changes=await describe_operation(request, page.rows),
        description=sentences.describe_unchanged(
            found.action, request.app.table.by_name, is_refused=found.outcome == Outcome.REFUSED
        ),
    )


async def _preview(request: Request, found: ListedOperation) -> UndoPreview | None:
    """Extent of an undo of the whole; None where it would take back one record or nothing, and for
    the further rows alone.
    """
    if target(request) == "more":
        return None
    if not found.can_undo or found.records < 2 or not request.viewer.may("operations.undo"):
        return None
    return await preview(request.db, found.id, None)


async def sentence_of(request: Request, id: int) -> Sentence | None:
    """Sentence of an operation; None where the viewer may not see its records."""
    sentence, _ = (await sentences_of(request, [id])).get(id, (None, {}))
    return sentence


async def undo(request: Request, id: int) -> Response:
    """Undo an operation, or the part of it that the form names: a change, or a record."""
    sentence, part = await sentence_of(request, id), _part(request)
    try:
        result = await perform(request, "undoOperation", id, query=part)
    except (Conflict, Invalid) as problem:
        return await clash_page(request, problem, id, sentence)
    return await _undone(request, result, id, sentence, is_part=part is not None)


def _part(request: Request) -> UndoQuery | None:
    """The part of the operation that the form names. Raises Invalid for one that cannot be."""
    given = {name: request.data[name] for name in ("change", "record") if request.data.get(name)}
    if not given:
        return None
    try:
        return msgspec.convert(given, UndoQuery, strict=False)
    except msgspec.ValidationError:
        raise invalid("change", "is no part of this operation; open its page again") from None


async def undo_last(request: Request) -> Response:
    """Undo the viewer's own last operation, or the one before those that are undone already."""
    return await _step(request, "undoLast", undo_stack.last_done)


async def redo_last(request: Request) -> Response:
    """Bring back what the viewer undid last."""
    return await _step(request, "redoLast", undo_stack.last_undone)


async def _step(
    request: Request, name: str, find: Callable[[Db], Awaitable[int | None]]
) -> Response:
    """Go one step along the stack of the viewer's own operations."""
    id = await find(request.db)
    if id is None:
        words = "There is nothing left to undo"
        if name == "redoLast":
            words = "There is nothing to redo"
        return render.redirect(request, render.return_path(request, "/organizations"), words)
    sentence = await sentence_of(request, id)
    try:
        result = await perform(request, name)
    except (Conflict, Invalid) as problem:
        return await clash_page(request, problem, id, sentence)
    return await _undone(request, result, id, sentence, is_part=False, is_redo=name == "redoLast")


async def _undone(
    request: Request,
    result: Result,
    id: int,
    sentence: Sentence | None,
    *,
    is_part: bool,
    is_redo: bool = False,
) -> Response:
    """Redirect with a message of what an undo took back. One record that it restored is shown."""
    made = result.record(UndoneOperation)
    done = await sentence_of(request, made.id)
    message = "Undid the change"
    if is_part and done is not None:
        message = done.reverted
    elif is_redo and done is not None:
        message = f"Redid {done.doing} {done.name}{done.more}"
    elif sentence is not None:
        message = sentence.undone
    if made.passed_over:
        records = "1 record" if made.passed_over == 1 else f"{made.passed_over:,} records"
        message += f"; {records} taken back singly before stayed"
    path = await return_path(request, id)
    if done is not None and done.restores:
        path = done.href
    return render.redirect(request, path, message, result.operation)


async def return_path(request: Request, id: int) -> str:
    """Path to return to after an undo: the page it came from, or the list if that page's record is
    gone with what was undone.
    """
    path = render.return_path(request, f"/operations/{id}")
    match = _RECORD.fullmatch(path)
    if match is None or match[1] not in store.LISTS:
        return path
    given = {"id": match[2], "fields": "id", "limit": "1"}
    if await find(request, store.LISTS[match[1]], OnlyId, given):
        return path
    return f"/{match[1]}"


class ShownClash(NamedTuple):
    """A reason why an operation cannot be undone."""

    clash: Clash
    href: str  # of the record's page; "" where it has none
    can_undo: bool  # the later change that is in the way can be undone first


async def clash_page(
    request: Request, problem: Problem, id: int, sentence: Sentence | None
) -> Response:
    """Explain why an operation cannot be undone: which changes came later, by whom and when, and
    what can be done about them.
    """
    ids = [clash.operation_id for clash in problem.clashes if clash.operation_id]
    states = await undo_states(request, ids)
    clashes = [
        ShownClash(clash, _clash_path(clash), _can_undo(states.get(clash.operation_id or 0)))
        for clash in problem.clashes
    ]
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


def _clash_path(clash: Clash) -> str:
    return sentences.record_path(Group(0, clash.entity, clash.entity_id, 1, "", None, []))


def _can_undo(state: UndoState | None) -> bool:
    return state is not None and bool(state.can_undo)
