"""Cursors: the position of a page in a list, as an opaque text that is safe in a URL.

Inside is a JSON array: the direction (">" or "<"), the sort, and the sort keys of the row at which
to go on. Base64 (RFC 4648, section 5) without padding makes it the text.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import date

import msgspec

Sort = tuple[tuple[str, bool], ...]  # names, each with True for descending

# A sort key of each type as PostgreSQL writes it. A cursor with anything else is not from here.
_PATTERNS = {
    "bigint": re.compile(r"\d{1,16}", re.ASCII),
    "int": re.compile(r"\d{1,10}", re.ASCII),
    "smallint": re.compile(r"\d{1,4}", re.ASCII),
    "boolean": re.compile(r"true|false"),
    "date": re.compile(r"(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])|infinity)", re.ASCII),
    "timestamptz": re.compile(
        r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d) ([01]\d|2[0-3])(:[0-5]\d){2}(\.\d{1,6})?\+00"
        r"|\d{4}-(0[13-9]|1[0-2])-3[01] ([01]\d|2[0-3])(:[0-5]\d){2}(\.\d{1,6})?\+00"
        r"|infinity",
        re.ASCII,
    ),
}
_SIGNS = {False: "", True: "-"}
_LARGEST = {"int": 2**31 - 1, "smallint": 2**15 - 1}


def sort_text(sort: Sort) -> str:
    """The sort as the `sort` parameter writes it: `name,-createdAt`."""
    return ",".join(f"{_SIGNS[descending]}{name}" for name, descending in sort)


def encode(position: Sequence[str], sort: Sort, *, is_backward: bool) -> str:
    """The cursor of a row, by its sort keys, for the rows after or before it."""
    direction = ">"
    if is_backward:
        direction = "<"
    content = msgspec.json.encode([direction, sort_text(sort), *position])
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def decode(cursor: str, sort: Sort, casts: Sequence[str]) -> tuple[tuple[str, ...], bool] | None:
    """The sort keys and True for backward; None when it is no cursor of a list with this sort."""
    padded = cursor + "=" * (-len(cursor) % 4)
    try:
        content = base64.b64decode(padded, altchars=b"-_", validate=True)
        direction, of_sort, *position = msgspec.json.decode(content, type=list[str])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None
    if direction not in ("<", ">") or of_sort != sort_text(sort) or len(position) != len(casts):
        return None
    if not all(_is_valid(value, cast) for value, cast in zip(position, casts, strict=True)):
        return None
    return tuple(position), direction == "<"


def _is_valid(value: str, cast: str) -> bool:
    """True for a value that PostgreSQL can cast; another would make the statement fail."""
    if cast == "text":
        return "\0" not in value
    if not _PATTERNS[cast].fullmatch(value):
        return False
    if cast in ("date", "timestamptz") and value != "infinity" and not _is_day(value[:10]):
        return False
    return cast not in _LARGEST or int(value) <= _LARGEST[cast]


def _is_day(value: str) -> bool:
    """True for a day of the calendar: no 31 April."""
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
