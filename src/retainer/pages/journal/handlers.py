"""Pages of the journal: the activity feed, one operation, and undoing it or the reasons why that
is impossible.
"""

import re
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct
from starlette.responses import Response

from retainer.errors import Clash, Conflict, Invalid, Problem
from retainer.http.request import Request
from retainer.journal import store
from retainer.journal.model import Actor, OperationDetails, Outcome
from retainer.nouns import NOUNS
from retainer.pages import record_picker, render
from retainer.pages.journal import diffs, sentences
from retainer.pages.journal.history import UndoState, describe_operation, sentences_of, undo_states
from retainer.pages.journal.sentences import Group, Sentence
from retainer.pages.list_page import ListPage, OnlyId, find, paginate
from retainer.pages.submit import perform

MAX_CHANGES = 200  # changes of an operation that its page shows
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
    page = await paginate(request, store.FEED, FeedRow, counted=False)
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
    """Show the changes that one operation made to each record."""
    stored = await store.get(request.db, id, MAX_CHANGES)
    found = stored.decode(OperationDetails)
    return await render.page(
        request,
        "journal/operation.html",
        operation=found,
        sentence=await sentence_of(request, id),
        changes=await describe_operation(request, found.changes),
        description=sentences.describe_unchanged(
            found.action, request.app.table.by_name, is_refused=found.outcome == Outcome.REFUSED
        ),
    )


async def sentence_of(request: Request, id: int) -> Sentence | None:
    """Sentence of an operation; None where the viewer may not see its records."""
    sentence, _ = (await sentences_of(request, [id])).get(id, (None, {}))
    return sentence


async def undo(request: Request, id: int) -> Response:
    sentence = await sentence_of(request, id)
    try:
        result = await perform(request, "undoOperation", id)
    except (Conflict, Invalid) as problem:
        return await clash_page(request, problem, id, sentence)
    message = "Undid the change"
    if sentence is not None:
        message = sentence.undone
    path = await return_path(request, id)
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
