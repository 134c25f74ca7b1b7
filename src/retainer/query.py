"""The parameters of a path that declares some: by name into the route's type, every problem told at once."""

from typing import Any
from urllib.parse import unquote_plus

import msgspec
from msgspec import inspect

from retainer.body import problems
from retainer.errors import FieldError, Invalid


def decode_query(query_string: bytes, kind: type[msgspec.Struct]) -> Any:
    """The parameters as their type; an array is written with commas. Raises Invalid naming each that is wrong."""
    pairs = [part.partition("=") for part in query_string.decode("latin-1").split("&") if part]
    given = {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}
    wrong = [
        FieldError(name, "must not contain the NUL character; remove %00") for name in given if "\0" in given[name]
    ]
    if len(given) < len(pairs):
        wrong.append(FieldError("query", "names a parameter twice; give each once"))
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    fields = {field.encode_name: field.type for field in info.fields}
    wrong += [
        FieldError(name[:40], f"is not a parameter of this path; it takes {', '.join(fields)}")
        for name in given
        if name not in fields
    ]
    values = {name: _plain(given[name], fields[name]) for name in given if name in fields}
    wrong += problems(values, kind)
    if wrong:
        raise Invalid(*wrong)
    return msgspec.convert(values, kind)


def _plain(text: str, kind: inspect.Type) -> Any:
    """What stands in the address as the value that JSON would have."""
    if isinstance(kind, inspect.ListType):
        return text.split(",")
    if isinstance(kind, inspect.IntType) and text.isascii() and text.removeprefix("-").isdigit() and len(text) < 16:
        return int(text)
    return text
