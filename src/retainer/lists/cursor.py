"""Cursors: where a page of a list ended, as an opaque text that fits into an address."""

import base64
import binascii
import re
from collections.abc import Sequence

import msgspec

Sort = tuple[tuple[str, bool], ...]

# What each kind of key looks like as PostgreSQL writes it; anything else was not written by us.
_LOOKS = {
    "bigint": re.compile(r"\d{1,16}", re.ASCII),
    "int": re.compile(r"\d{1,10}", re.ASCII),
    "smallint": re.compile(r"\d{1,4}", re.ASCII),
    "boolean": re.compile(r"true|false"),
    "date": re.compile(r"(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])|infinity)", re.ASCII),
    "timestamptz": re.compile(
        r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d) ([01]\d|2[0-3])(:[0-5]\d){2}(\.\d{1,6})?\+00"
        r"|\d{4}-(0[13-9]|1[0-2])-3[01] ([01]\d|2[0-3])(:[0-5]\d){2}(\.\d{1,6})?\+00",
        re.ASCII,
    ),
}


def written(place: Sequence[str], sort: Sort, *, is_backward: bool) -> str:
    """The cursor of a place in a sort, for going on from there."""
    signed = ",".join(("-" if descending else "") + name for name, descending in sort)
    text = msgspec.json.encode(["<" if is_backward else ">", signed, *place])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def read(text: str, sort: Sort, casts: Sequence[str]) -> tuple[tuple[str, ...], bool] | None:
    """The place and whether it goes backward; None when the cursor is none of this sort."""
    signed = ",".join(("-" if descending else "") + name for name, descending in sort)
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        way, of, *place = msgspec.json.decode(raw, type=list[str])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None
    fits = all(_fits(value, cast) for value, cast in zip(place, casts, strict=False))
    if way not in ("<", ">") or of != signed or len(place) != len(casts) or not fits:
        return None
    return tuple(place), way == "<"


def _fits(value: str, cast: str) -> bool:
    return (
        "\0" not in value
        if cast == "text"
        else bool(_LOOKS[cast].fullmatch(value)) and _is_in_range(value, cast)
    )


def _is_in_range(value: str, cast: str) -> bool:
    most = {"int": 2**31 - 1, "smallint": 2**15 - 1}.get(cast)
    return most is None or int(value) <= most
