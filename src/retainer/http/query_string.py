"""Query strings: their parameters as pairs or as a route's type, and the error for an unknown one.
The parameters of lists are read in lists/parameters.py.
"""

import difflib
from collections import Counter
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from msgspec import inspect

from retainer.errors import FieldError, Invalid
from retainer.http.body import problems

MOST_LOOKED_UP = 10
LONGEST_SHOWN = 40  # characters of a name that is not known


def pairs(query_string: bytes) -> list[tuple[str, str]]:
    """The parameters in order. Raises Invalid for text that is not UTF-8 or holds NUL, and
    for a name given twice.
    """
    try:
        found = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=100,
        )
    except (ValueError, UnicodeDecodeError):
        raise Invalid(
            FieldError("query", "must be at most 100 parameters, percent-encoded UTF-8")
        ) from None
    times = Counter(name for name, _ in found)
    wrong = [
        FieldError(n[:LONGEST_SHOWN], "is given twice; give it once") for n in times if times[n] > 1
    ]
    wrong += [
        FieldError(n[:LONGEST_SHOWN], "must not contain the NUL character")
        for n, v in found
        if "\0" in n + v
    ]
    if wrong:
        raise Invalid(*wrong)
    return found


def of_form(query_string: bytes) -> bytes:
    """The parameters as a page's form sends them, as a list takes them: empty ones left out, the
    boxes ticked for one name joined by commas.
    """
    try:
        found = parse_qsl(query_string.decode("ascii"), errors="strict", max_num_fields=100)
    except ValueError:
        raise Invalid(
            FieldError("query", "must be at most 100 parameters, percent-encoded UTF-8")
        ) from None
    joined: dict[str, str] = {}
    for name, value in found:
        if name in joined and name.endswith(":in"):
            joined[name] += f",{value}"
        else:
            joined[name] = value
    return urlencode(joined, safe=":,.", quote_via=quote).encode()


class NearWords:
    """The known words most like unknown ones, for the first mistakes of a request: looking for one
    takes as long as much else of the request.
    """

    def __init__(self) -> None:
        self.left = MOST_LOOKED_UP

    def hint(self, word: str, known: list[str], *cutoffs: float) -> str:
        """The remedy, as the end of a sentence; the words that are likest count first,
        each cutoff (0 to 1) in turn.
        """
        if not known:
            return "it takes none"
        self.left -= 1
        if self.left < 0:
            return "see the first ones for what would be right"
        for cutoff in cutoffs:
            for near in difflib.get_close_matches(word[:LONGEST_SHOWN], known, 1, cutoff):
                return f"the nearest is {near}"
        return f"it takes {', '.join(known)}"

    def unknown(self, name: str, known: list[str]) -> FieldError:
        """The error for an unknown parameter, with the most similar known one."""
        hint = self.hint(name, known, 0.5, 0.3)
        return FieldError(name[:LONGEST_SHOWN], f"is not a parameter of this path; {hint}")


def decode_query(query_string: bytes, model: type[msgspec.Struct]) -> Any:
    """The parameters as their type; an array is written with commas. Raises Invalid naming each
    that is wrong.
    """
    given = dict(pairs(query_string))
    info = inspect.type_info(model)
    assert isinstance(info, inspect.StructType)
    fields = {field.encode_name: field.type for field in info.fields}
    near = NearWords()
    wrong = [near.unknown(name, list(fields)) for name in given if name not in fields]
    values = {name: _plain(given[name], fields[name]) for name in given if name in fields}
    wrong += problems(values, model)
    if wrong:
        raise Invalid(*wrong)
    return msgspec.convert(values, model)


def _plain(text: str, value_type: inspect.Type) -> object:
    """A parameter's text as the value that JSON would have."""
    if isinstance(value_type, inspect.Metadata):
        return _plain(text, value_type.type)
    if isinstance(value_type, inspect.UnionType):  # or null, which a parameter that is sent is not
        return _plain(text, next(t for t in value_type.types if t != inspect.NoneType()))
    if isinstance(value_type, inspect.ListType):
        return text.split(",")
    if (
        isinstance(value_type, inspect.IntType)
        and text.isascii()
        and text.removeprefix("-").isdigit()
        and len(text) < 16
    ):
        return int(text)
    return text
