"""History for pages: changes with their sentences and diffs, and operations' state of undo."""

from typing import NamedTuple

import msgspec
from msgspec import Struct

from retainer.http.request import Request
from retainer.journal import feed, store
from retainer.journal.feed import titles_of
from retainer.journal.model import HistoryEntry, RecordChange
from retainer.pages.journal import diffs, sentences
from retainer.pages.journal.sentences import Group, Sentence
from retainer.pages.list_page import find

# Fields that are left out of a diff, because the page and the sentence name their records.
_IN_SENTENCE = {"organizationId", "contactId"}


class UndoState(Struct, rename="camel"):
    """State of an operation with regard to undo."""

    id: int
    can_undo: bool | None = False  # None: too many records to check while showing a list
    undone_by: int | None = None  # the operation that has undone it
    records: int = 1


class DescribedChange(NamedTuple):
    """A change with its sentence and its diff."""

    entry: RecordChange | HistoryEntry
    sentence: Sentence
    lines: list[diffs.Line]


async def last_changes(request: Request, noun: str, id: int, limit: int = 10) -> list[HistoryEntry]:
    """Latest changes of a record; none for viewers who may not read history."""
    if not request.viewer.may("history.read"):
        return []
    return await find(request, store.HISTORY[noun], HistoryEntry, parent=id, limit=str(limit))


async def undo_states(request: Request, operations: list[int]) -> dict[int, UndoState]:
    """State of undo of each of these operations that the viewer sees, by its id."""
    found = await feed.undoable(request.db, operations)
    return {id: msgspec.convert(state, UndoState) for id, state in found.items()}


async def sentences_of(
    request: Request, operations: list[int]
) -> dict[int, tuple[Sentence, diffs.Titles]]:
    """Sentence of each operation, with the titles of the records that its values refer to."""
    groups = msgspec.convert(await feed.groups(request.db, operations), list[Group])
    records = sentences.records_named(groups)
    records = records.union(*(diffs.references(group.changes) for group in groups))
    titles = await titles_of(request.db, records)
    return {id: (sentence, titles) for id, sentence in sentences.sentences(groups, titles).items()}


async def describe_operation(
    request: Request, changes: list[RecordChange]
) -> list[DescribedChange]:
    """Changes of an operation, each with its sentence and its diff."""
    titles = await titles_of(request.db, diffs.records_in(changes))
    return [
        DescribedChange(
            change,
            _sentence(0, change, _organization(change), titles),
            diffs.lines(change.changes, titles),
        )
        for change in changes
    ]


async def describe_history(
    request: Request, organization: int, entries: list[HistoryEntry]
) -> list[DescribedChange]:
    """Entries of an organization's history, each with its sentence and with a diff of the other
    fields. What went or came with the organization is told by its own entry.
    """
    whole = {
        (entry.operation.id, entry.action) for entry in entries if entry.entity == "organizations"
    }
    entries = [
        entry
        for entry in entries
        if entry.entity == "organizations"
        or (entry.operation.id, entry.action) not in whole
        or entry.action in ("insert", "update")
    ]
    titles = await titles_of(request.db, diffs.records_in(entries))
    return [
        DescribedChange(
            entry,
            _sentence(entry.operation.id, entry, organization, titles),
            diffs.lines(
                (change for change in entry.changes if change.field not in _IN_SENTENCE), titles
            ),
        )
        for entry in entries
    ]


def _sentence(
    operation: int,
    entry: RecordChange | HistoryEntry,
    organization: int | None,
    titles: diffs.Titles,
) -> Sentence:
    group = Group(
        operation, entry.entity, entry.entity_id, 1, entry.action, organization, entry.changes
    )
    return sentences.sentence(operation, [group], titles)


def _organization(change: RecordChange) -> int | None:
    """Id of the organization that a changed record belongs to, as far as its fields say."""
    if change.entity == "organizations":
        return change.entity_id
    fields = {one.field: one.after or one.before for one in change.changes}
    return fields.get("organizationId")
