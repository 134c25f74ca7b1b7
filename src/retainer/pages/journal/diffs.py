"""Changes as people read them: each field with what went and what came, long texts by the word,
objects by the key.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any, NamedTuple, get_type_hints

from retainer.errors import camel
from retainer.journal.entities import NOUN_OF_ENTITY
from retainer.journal.model import FieldChange, HistoryEntry, RecordChange
from retainer.nouns import NOUNS
from retainer.pages import formatting

# Fields whose value is another record's id, by the noun of that.
REFERENCES = {
    camel(column): table for noun in NOUNS.values() for column, table in noun.references.items()
}
# Entities whose changes are told of another noun than their own: a membership of its contact.
TOLD_AS = {entity: noun for entity, noun in NOUN_OF_ENTITY.items() if entity != noun}
ENUMERATIONS = {
    camel(name)
    for noun in NOUNS.values()
    for name, hint in get_type_hints(noun.answer).items()
    if isinstance(hint, type) and issubclass(hint, StrEnum)
}
LONG_TEXT = 60  # characters from which a text is compared by the word
MAX_WORDS = 3000  # that are compared; beyond, the whole is told
CONTEXT = 8  # words that stand beside a change
MAX_PIECE = 1200  # characters of one piece

Titles = dict[tuple[str, int], str]


class Piece(NamedTuple):
    """A part of a value: what went (del), what came (ins), what stayed (same), or what is left out
    (cut).
    """

    kind: str
    text: str


class Line(NamedTuple):
    """One field of a change: its name, its pieces, and whether they are one running text."""

    label: str
    pieces: list[Piece]
    is_text: bool = False


def lines(changes: Iterable[FieldChange], titles: Titles) -> list[Line]:
    """The fields of a change, in their order."""
    return [
        line
        for change in changes
        for line in _field(change.field, change.before, change.after, titles)
    ]


def references(changes: Iterable[FieldChange]) -> set[tuple[str, int]]:
    """The records that values refer to, as (noun, id)."""
    return {
        (REFERENCES[change.field], value)
        for change in changes
        if change.field in REFERENCES
        for value in (change.before, change.after)
        if value is not None
    }


def records_in(entries: Sequence[RecordChange | HistoryEntry]) -> set[tuple[str, int]]:
    """The records that changes are about and refer to."""
    found = {(TOLD_AS.get(entry.entity, entry.entity), entry.entity_id) for entry in entries}
    return found.union(*(references(entry.changes) for entry in entries))


def _field(name: str, before: Any, after: Any, titles: Titles) -> list[Line]:
    label = formatting.label(name.removesuffix("Id"))
    if isinstance(before, dict) or isinstance(after, dict):
        return _object(label, before or {}, after or {})
    if isinstance(before, list) or isinstance(after, list):
        return [Line(label, _elements(before or [], after or []))]
    old, new = (_plain(name, value, titles) for value in (before, after))
    if old and new and max(len(old), len(new)) > LONG_TEXT and name not in REFERENCES:
        return [Line(label, word_diff(old, new), is_text=True)]
    return [Line(label, _whole(old, new))]


def _object(label: str, before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    """An object such as metadata: each key that changed is a line of its own."""
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return [
        Line(
            f"{label} · {key}",
            _whole(_plain("", before.get(key), {}), _plain("", after.get(key), {})),
        )
        for key in keys
    ]


def _elements(before: list[Any], after: list[Any]) -> list[Piece]:
    went = [Piece("del", str(one)) for one in before if one not in after]
    came = [Piece("ins", str(one)) for one in after if one not in before]
    return went + came or [Piece("same", "in another order")]


def _whole(old: str, new: str) -> list[Piece]:
    return [Piece(kind, _truncated(text)) for kind, text in (("del", old), ("ins", new)) if text]


def _plain(name: str, value: Any, titles: Titles) -> str:
    """A value in words; "" where there is none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in REFERENCES:
        noun = REFERENCES[name]
        return titles.get((noun, value), f"{NOUNS[noun].singular} {value}")
    if isinstance(value, dict):
        return ", ".join(f"{key}: {inner}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return formatting.label(value) if name in ENUMERATIONS else str(value)


def word_diff(old: str, new: str) -> list[Piece]:
    """Two texts by the word: what stayed far from any change is left out."""
    before, after = (re.findall(r"\S+\s*", text) for text in (old, new))
    if len(before) + len(after) > MAX_WORDS:
        return _whole(old, new)
    found: list[Piece] = []
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for n, (step, i, j, k, m) in enumerate(steps):
        if step == "equal":
            found += _context(before[i:j], is_first=n == 0, is_last=n == len(steps) - 1)
        else:
            found += _whole("".join(before[i:j]), "".join(after[k:m]))
    return found


def _context(same: list[str], *, is_first: bool, is_last: bool) -> list[Piece]:
    """Words that stayed: those beside the changes before and behind them."""
    kept = CONTEXT if is_first or is_last else 2 * CONTEXT
    if len(same) <= kept + 2:
        return [Piece("same", "".join(same))]
    found = [Piece("cut", "… ")]
    if not is_first:
        found.insert(0, Piece("same", "".join(same[:CONTEXT])))
    if not is_last:
        found.append(Piece("same", "".join(same[-CONTEXT:])))
    return found


def _truncated(text: str) -> str:
    if len(text) <= MAX_PIECE:
        return text
    return text[:MAX_PIECE] + "…"
