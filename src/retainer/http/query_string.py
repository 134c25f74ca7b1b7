"""Query strings: their parameters as pairs or as a route's type, and the error for an unknown one.
The parameters of lists are read in lists/parameters.py.
"""

import difflib
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from msgspec import inspect

from retainer.errors import FieldError, Invalid
from retainer.http.body import problems


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
    names = [name for name, _ in found]
    wrong = [
        FieldError(n[:40], "is given twice; give it once")
        for n in dict.fromkeys(names)
        if names.count(n) > 1
    ]
    wrong += [
        FieldError(n[:40], "must not contain the NUL character") for n, v in found if "\0" in n + v
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


def unknown(name: str, known: list[str]) -> FieldError:
    """The error for an unknown parameter, with the most similar known one."""
    near = difflib.get_close_matches(name.lower(), known, 1, 0.5) or difflib.get_close_matches(
        name, known, 1, 0.3
    )
    if not known:
        return FieldError(name[:40], "is not a parameter of this path; it takes none")
    hint = f"it takes {', '.join(known)}"
    if near:
        hint = f"the nearest is {near[0]}"
    return FieldError(name[:40], f"is not a parameter of this path; {hint}")


def decode_query(query_string: bytes, model: type[msgspec.Struct]) -> Any:
    """The parameters as their type; an array is written with commas. Raises Invalid naming each
    that is wrong.
    """
    given = dict(pairs(query_string))
    info = inspect.type_info(model)
    assert isinstance(info, inspect.StructType)
    fields = {field.encode_name: field.type for field in info.fields}
    wrong = [unknown(name, list(fields)) for name in given if name not in fields]
    values = {name: _plain(given[name], fields[name]) for name in given if name in fields}
    wrong += problems(values, model)
    if wrong:
        raise Invalid(*wrong)
    return msgspec.convert(values, model)


def _plain(text: str, value_type: inspect.Type) -> object:
    """A parameter's text as the value that JSON would have."""
    if isinstance(value_type, inspect.Metadata):
        return _plain(text, value_type.type)
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
