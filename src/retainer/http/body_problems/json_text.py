"""Flaws of JSON that a decoder passes over, or refuses without saying where.

Keys given twice and halves of surrogate pairs are found with their paths, such as
`metadata.regions[2].name`.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from retainer.errors import FieldError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # some editors, and PowerShell, begin a text with it
TWICE = "is given twice; give it once"
BODY = "body"  # the path of the whole

_SURROGATE = re.compile("[\ud800-\udfff]")


class _Twice(Exception):
    """A key is given twice in one object."""


class _Pairs(list[tuple[str, object]]):
    """An object as it is written, its keys in order."""


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) < len(pairs):
        raise _Twice


# Numbers stay texts: Python's integers have a limit of digits, and none of them is looked at.
_KEYS = json.JSONDecoder(object_pairs_hook=_once, parse_int=str, parse_float=str)
_WRITTEN = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=str, parse_float=str)


def repeated(raw: bytes) -> list[FieldError]:
    """The keys that are given twice, of JSON that is valid."""
    try:
        _KEYS.decode(raw.decode())
    except _Twice:
        return [error for error in flaws(raw) if error.message == TWICE]
    except RecursionError:
        return []  # deeper than anything that is kept: refused for that
    return []


def flaws(raw: bytes) -> list[FieldError]:
    """Flaws of JSON beyond its grammar; none where it is not JSON at all."""
    try:
        value = _WRITTEN.decode(raw.decode())
    except (ValueError, RecursionError):
        return []
    return [FieldError(path or BODY, message) for path, message in _flaws(value)]


def _flaws(value: object) -> Iterator[tuple[str, str]]:
    """Paths and messages in the order of the text. Without recursion: it may be deep."""
    waiting: list[tuple[str, object]] = [("", value)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, str):
            if _SURROGATE.search(node):
                yield path, "holds half of a surrogate pair, which is no character; remove it"
        elif isinstance(node, _Pairs):
            yield from _of_keys(path, node)
            waiting += [(_below(path, key), child) for key, child in reversed(node)]
        elif isinstance(node, list):
            last = len(node) - 1
            waiting += [(f"{path}[{last - n}]", child) for n, child in enumerate(reversed(node))]


def _of_keys(path: str, pairs: _Pairs) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            yield _below(path, key), TWICE
        if _SURROGATE.search(key):
            yield path, "has a key with half of a surrogate pair; remove it"
        seen.add(key)


def _below(path: str, key: str) -> str:
    key = _SURROGATE.sub("\ufffd", key[:40]).replace("\0", "\ufffd")
    if not path:
        return key
    return f"{path}.{key}"
