"""Changes as people read them: the old and new value of each field, with long texts compared word
by word and objects key by key.
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

# The noun that each field of a reference refers to, by the field's name.
REFERENCES = {
    camel(column): table for noun in NOUNS.values() for column, table in noun.references.items()
}
# Entities whose changes are shown as another noun's: a membership's as its contact's.
SHOWN_AS = {entity: noun for entity, noun in NOUN_OF_ENTITY.items() if entity != noun}
ENUMERATIONS = {
    camel(name)
    for noun in NOUNS.values()
    for name, hint in get_type_hints(noun.record_type).items()
    if isinstance(hint, type) and issubclass(hint, StrEnum)
}
LONG_TEXT = 60  # characters; longer texts are compared word by word
MAX_WORDS = 3000  # of both texts; longer ones are shown whole
CONTEXT = 8  # unchanged words that are shown on either side of a change
MAX_PIECE = 1200  # characters of one piece; the rest is cut off

Titles = dict[tuple[str, int], str]


class Piece(NamedTuple):
    """A part of a value, before and after a change."""

    edit: str  # del (removed), ins (added), same (unchanged) or cut (unchanged and left out)
    text: str


class Line(NamedTuple):
    """One field of a change."""

    label: str
    pieces: list[Piece]
    is_text: bool = False  # the pieces are one running text


def lines(changes: Iterable[FieldChange], titles: Titles) -> list[Line]:
    """One line for each changed field, or for each changed key of an object."""
    return [
        line
        for change in changes
        for line in _field(change.field, change.before, change.after, titles)
    ]


def references(changes: Iterable[FieldChange]) -> set[tuple[str, int]]:
    """Records that the values of references name, as (noun, id)."""
    return {
        (REFERENCES[change.field], value)
        for change in changes
        if change.field in REFERENCES
        for value in (change.before, change.after)
        if value is not None
    }


def records_in(entries: Sequence[RecordChange | HistoryEntry]) -> set[tuple[str, int]]:
    """Records that were changed, and those that their values refer to, as (noun, id)."""
    found = {(SHOWN_AS.get(entry.entity, entry.entity), entry.entity_id) for entry in entries}
    return found.union(*(references(entry.changes) for entry in entries))


def _field(name: str, before: Any, after: Any, titles: Titles) -> list[Line]:
    label = formatting.field_label(name)
    if isinstance(before, dict) or isinstance(after, dict):
        return _object(label, before or {}, after or {})
    if isinstance(before, list) or isinstance(after, list):
        return [Line(label, _elements(before or [], after or []))]
    old, new = (plain(name, value, titles) for value in (before, after))
    if old and new and max(len(old), len(new)) > LONG_TEXT and name not in REFERENCES:
        return [Line(label, word_diff(old, new), is_text=True)]
    return [Line(label, _whole(old, new))]


def _object(label: str, before: dict[str, Any], after: dict[str, Any]) -> list[Line]:
    """Lines of an object such as metadata, one for each changed key."""
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    return [
        Line(
            f"{label} · {key}",
            _whole(plain("", before.get(key), {}), plain("", after.get(key), {})),
        )
        for key in keys
    ]


def _elements(before: list[Any], after: list[Any]) -> list[Piece]:
    went = [Piece("del", str(one)) for one in before if one not in after]
    came = [Piece("ins", str(one)) for one in after if one not in before]
    return went + came or [Piece("same", "in another order")]


def _whole(old: str, new: str) -> list[Piece]:
    return [Piece(edit, _truncated(text)) for edit, text in (("del", old), ("ins", new)) if text]


def plain(name: str, value: Any, titles: Titles) -> str:  # noqa: PLR0911  # a case each
    """Value in words; "" where there is none."""
    if value is None:
        return ""
    if value is True:
        return "yes"
    if value is False:
        return "no"
    if name in REFERENCES:
        noun = REFERENCES[name]
        return titles.get((noun, value), f"{NOUNS[noun].singular} {value}")
    if isinstance(value, dict):
        return ", ".join(f"{key}: {inner}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if name in ENUMERATIONS:
        return formatting.label(value)
    return str(value)


def word_diff(old: str, new: str) -> list[Piece]:
    """Compare two texts word by word, leaving out unchanged words far from any change."""
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
    """Unchanged words: those next to a change, with "…" for the others."""
    shown = 2 * CONTEXT
    if is_first or is_last:
        shown = CONTEXT
    if len(same) <= shown + 2:
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
