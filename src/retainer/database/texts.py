"""Texts of bodies as they are kept: one-line texts are trimmed, an empty one is null where the
field may be null, and control characters are refused. A text is otherwise kept as it was typed.

The rule of a field comes from its type: the marks of http/fields.py. The database has the same
rules for what an undo writes back (database/functions/texts.sql).
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from retainer.errors import FieldError

_LINE_ENDS = "must have no line breaks, tabs or other control characters; remove them"
_CONTROLS = "must have no control characters but line breaks and tabs; remove them"
_INVISIBLE = "must have a character that can be seen"
_EMPTY = "must not be empty"

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # but tabs and line breaks
# A text of which nothing can be seen: spaces, controls, accents without a letter, joiners, marks of
# direction, selectors of variants, and what fills a place, of Hangul and Braille. The same as in
# is_seen(), database/functions/texts.sql.
_UNSEEN = re.compile(
    r"[\s\x00-\x1f\x7f-\x9f\u00ad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*"
)


class Rule(NamedTuple):
    """Rule for a field's text; `is_list` has it applied to each text of an array."""

    attribute: str
    name: str
    is_one_line: bool
    is_seen: bool  # it has a character that can be seen
    is_nullable: bool
    is_list: bool


def clean(body: msgspec.Struct) -> list[FieldError]:
    """Bring the texts of a body into the form in which they are kept. Returns the problems."""
    problems = []
    for rule in rules(type(body)):
        value = getattr(body, rule.attribute)
        if type(value) is str and value.isascii() and value.isprintable():
            stripped = value.strip()  # of the usual text nothing else can be wrong
            if stripped:
                if rule.is_one_line and stripped is not value:
                    setattr(body, rule.attribute, stripped)
                continue
        if isinstance(value, str | list):
            kept, wrong = _kept(rule, value)
            problems += wrong
            if kept is not value:
                setattr(body, rule.attribute, kept)
    return problems


def trimmed(given: dict[str, Any], model: type[msgspec.Struct]) -> dict[str, str | None]:
    """Trim the texts of a body that does not fit its model as it is: it may without the spaces.
    Returns the texts as they are kept, by their names.
    """
    kept = {
        rule.name: _trimmed(rule, given[rule.name])
        for rule in rules(model)
        if isinstance(given.get(rule.name), str)
    }
    given |= kept
    return kept


@cache
def rules(model: type[msgspec.Struct]) -> tuple[Rule, ...]:
    """The rules of a model's texts."""
    info = inspect.type_info(model)
    assert isinstance(info, inspect.StructType)
    return tuple(_rules(info))


def _rules(info: inspect.StructType) -> Iterator[Rule]:
    for field in info.fields:
        is_nullable = is_list = False
        waiting: list[inspect.Type] = [field.type]
        marks: dict[str, Any] = {}
        while waiting:
            match waiting.pop():
                case inspect.Metadata(type=inner, extra=extra):
                    marks |= extra or {}
                    waiting.append(inner)
                case inspect.UnionType(types=types):
                    waiting += types
                case inspect.ListType(item_type=item):
                    is_list = True
                    waiting.append(item)
                case inspect.NoneType():
                    is_nullable = True
        if "is_one_line" in marks:
            is_seen = marks["is_seen"]
            yield Rule(
                field.name, field.encode_name, marks["is_one_line"], is_seen, is_nullable, is_list
            )


def _kept(rule: Rule, value: str | list[Any]) -> tuple[Any, list[FieldError]]:
    """The value as it is kept, and its problems."""
    if isinstance(value, list):
        kept = [_trimmed(rule, each) for each in value]
        wrong = [
            FieldError(f"{rule.name}[{place}]", problem)
            for place, each in enumerate(kept)
            if (problem := _problem(rule, each))
        ]
        return kept, wrong
    text = _trimmed(rule, value)
    problem = _problem(rule, text)
    return text, [FieldError(rule.name, problem)] if problem else []


def _trimmed(rule: Rule, text: str) -> str | None:
    kept = text
    if rule.is_one_line or not text.strip():
        kept = text.strip()
    if not kept and rule.is_nullable:
        return None
    return kept


def _problem(rule: Rule, text: str | None) -> str | None:
    if text is None:
        return None
    if not text:
        return _EMPTY
    if rule.is_one_line and not text.isprintable() and any(map(_breaks_line, text)):
        return _LINE_ENDS
    if not rule.is_one_line and _CONTROL.search(text):
        return _CONTROLS
    if rule.is_seen and not text.isascii() and _UNSEEN.fullmatch(text):
        return _INVISIBLE
    return None


def _breaks_line(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Zl", "Zp")
