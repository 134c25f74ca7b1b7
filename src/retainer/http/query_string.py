"""Query strings: their parameters as pairs or as a route's type, and the error for an unknown one.
The parameters of lists are read in lists/parameters.py.
"""

import difflib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from msgspec import inspect

from retainer.errors import FieldError, Invalid
from retainer.http.body_problems.fields import problems

MOST_PARAMETERS = 100
MOST_LOOKED_UP = 10
MOST_NAMED = 12  # parameters in a message
LONGEST_SHOWN = 40  # characters of a name that is not known

_LIKENESS = 0.65  # of the most like name; below that, naming one misleads
_PAGES = "limit says how many, and the Link header's next page names the cursor to go on with"
_PAGING = ("page", "offset", "skip", "per_page", "perpage", "page_size", "pagesize", "start")


def pairs(
    query_string: bytes, is_array: Callable[[str], bool] = lambda name: False
) -> list[tuple[str, str]]:
    """The parameters in order, an array that is given several times joined by commas. Raises
    Invalid for text that is not UTF-8 or holds NUL, and for another name given twice.
    """
    found = _parsed(query_string)
    values: dict[str, str] = {}
    wrong = []
    for name, value in found:
        shown = name[:LONGEST_SHOWN].replace("\0", "\ufffd")  # as the document promises of texts
        if "\ufffd" in name + value and _is_broken(query_string):
            wrong.append(FieldError(shown, "must be UTF-8, percent-encoded"))
        elif "\0" in name + value:
            wrong.append(FieldError(shown, "must not contain the NUL character"))
        elif name not in values:
            values[name] = value
        elif is_array(name):
            values[name] += f",{value}"
        else:
            wrong.append(FieldError(shown, "is given twice; give it once"))
    if wrong:
        raise Invalid(*{(error.field, error.message): error for error in wrong}.values())
    return list(values.items())


def _parsed(query_string: bytes) -> list[tuple[str, str]]:
    if query_string.count(b"&") >= MOST_PARAMETERS:
        raise Invalid(FieldError("query", f"must be at most {MOST_PARAMETERS} parameters"))
    return parse_qsl(
        query_string.decode("utf-8", "replace"), keep_blank_values=True, errors="replace"
    )


def _is_broken(query_string: bytes) -> bool:
    """True where it is not UTF-8, and does not hold U+FFFD itself."""
    try:
        parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        return True
    return False


def of_form(query_string: bytes) -> bytes:
    """The parameters as a page's form sends them, as a list takes them: empty ones left out, the
    boxes ticked for one name joined by commas.
    """
    found = [(name, value) for name, value in _parsed(query_string) if value]
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

    def hint(self, word: str, known: list[str]) -> str:
        """The remedy, as the end of a sentence: the most similar word where one is near, else the
        first of those that there are.
        """
        if not known:
            return "it takes none"
        self.left -= 1
        if self.left < 0:
            return "see the first ones for what would be right"
        lower = {each.lower(): each for each in known}
        for near in difflib.get_close_matches(word[:LONGEST_SHOWN].lower(), lower, 1, _LIKENESS):
            return f"the nearest is {lower[near]}"
        some = ", ".join(known[:MOST_NAMED])
        if len(known) > MOST_NAMED:
            some += ", …"
        return f"it takes {some}"

    def unknown(self, name: str, known: list[str]) -> FieldError:
        """The error for an unknown parameter, with the most similar known one."""
        hint = _PAGES
        if name.lower() not in _PAGING or "cursor" not in known:
            hint = self.hint(name, known)
        return FieldError(name[:LONGEST_SHOWN], f"is not a parameter of this path; {hint}")


def decode_query(query_string: bytes, model: type[msgspec.Struct]) -> Any:
    """The parameters as their type; an array is written with commas. Raises Invalid naming each
    that is wrong.
    """
    info = inspect.type_info(model)
    assert isinstance(info, inspect.StructType)
    fields = {field.encode_name: field.type for field in info.fields}
    given = dict(pairs(query_string, lambda name: _is_array(fields.get(name))))
    near = NearWords()
    wrong = [near.unknown(name, list(fields)) for name in given if name not in fields]
    values = {name: _plain(given[name], fields[name]) for name in given if name in fields}
    wrong += problems(values, model)
    if wrong:
        raise Invalid(*wrong)
    return msgspec.convert(values, model)


def _is_array(value_type: inspect.Type | None) -> bool:
    if isinstance(value_type, inspect.Metadata):
        return _is_array(value_type.type)
    return isinstance(value_type, inspect.ListType)


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
