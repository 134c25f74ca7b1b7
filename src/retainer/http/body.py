"""Request bodies: JSON into the route's type, and every problem of a body told at once, by field,
with the remedy.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET

from retainer.database import exact_json, texts
from retainer.errors import FieldError, Invalid, MalformedJson, Problem
from retainer.http.body_problems.fields import problems
from retainer.http.body_problems.json_text import BODY, BYTE_ORDER_MARK, flaws, repeated

EMPTY_BODY = "The body is empty; send what this path takes, such as a JSON object."
MAX_DEPTH = 32  # levels of arrays and objects in metadata

T = TypeVar("T", bound=msgspec.Struct)


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a change that takes no fields. A field that is sent is refused as unknown,
    because it would have no effect.
    """


class Echo(NamedTuple):
    """The fields that a record's response has and a body lacks: the server sets them. `ids` are the
    parameters of the path by name; None where a body must not name such a field at all.
    """

    fields: frozenset[str] = frozenset()
    ids: Mapping[str, object] | None = None


@cache
def read_only(record: type | None, model: type[msgspec.Struct]) -> frozenset[str]:
    """The names of the fields that a record has and this body of it lacks."""
    names: tuple[str, ...] = getattr(record, "__struct_encode_fields__", ())
    return frozenset(names).difference(model.__struct_encode_fields__)


def decode(raw: bytes, model: type[T], echo: Echo = Echo()) -> T:  # noqa: B008 -- immutable
    """The body as its type. Raises MalformedJson, or Invalid naming every field that is wrong.

    A record may come back whole: of the fields that the server sets, those of a change are left
    out, after a look at the ids that the path names.
    """
    raw = raw.removeprefix(BYTE_ORDER_MARK)
    try:
        body = exact_json.decode(raw, model)
    except msgspec.ValidationError:
        body = _decode_rest(raw, model, echo)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(raw, error) from None
    else:
        if wrong := repeated(raw):
            raise Invalid(*wrong)
    _check_storable(body, raw)
    wrong = texts.clean(body)
    if wrong:
        raise Invalid(*wrong)
    return body


def _decode_rest(raw: bytes, model: type[T], echo: Echo) -> T:
    """The body without its echo, and without the spaces around its texts, which may be what did not
    fit. Raises Invalid for what is wrong beside that.
    """
    given = _plain(raw)
    wrong = repeated(raw)
    if isinstance(given, dict) and echo.ids is not None:
        wrong += [
            FieldError(name, f"must be {echo.ids[name]}, as the path says; or leave it out")
            for name in echo.fields.intersection(given, echo.ids)
            if type(given[name]) is not int or given[name] != echo.ids[name]
        ]
        for name in echo.fields.intersection(given):
            del given[name]
    if isinstance(given, dict):
        # Numbers stay as they are written.
        parts: dict[str, object] = dict(msgspec.json.decode(raw, type=dict[str, msgspec.Raw]))
        parts |= texts.trimmed(given, model)
        raw = msgspec.json.encode({name: parts[name] for name in given})
    wrong += problems(given, model, echo.fields)
    if wrong:
        raise Invalid(*wrong)
    try:
        return exact_json.decode(raw, model)
    except msgspec.ValidationError as error:
        raise Invalid(FieldError(BODY, f"is not what this path takes: {error}")) from None


def _plain(raw: bytes) -> object:
    try:
        return exact_json.decode(raw, object)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(raw, error) from None


def _malformed(raw: bytes, error: Exception) -> Problem:
    """The problem of a body that is no usable JSON."""
    if not raw.strip():
        return MalformedJson(EMPTY_BODY)
    if isinstance(error, RecursionError):
        return MalformedJson("The body is nested too deeply.")
    if isinstance(error, UnicodeDecodeError) or _is_other_encoding(raw):
        return MalformedJson("The body is not text in UTF-8.")
    if wrong := flaws(raw):
        return Invalid(*wrong)
    return MalformedJson(
        f"The body is not valid JSON: {str(error).removeprefix('JSON is malformed: ')}."
    )


def _is_other_encoding(raw: bytes) -> bool:
    """True for UTF-16 and UTF-32, which write each character of ASCII with a NUL, and for what is
    not UTF-8.
    """
    if b"\0" in raw[:4]:
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return True
    return False


def _check_storable(body: msgspec.Struct, raw: bytes) -> None:
    """Raise Invalid for what PostgreSQL cannot keep of JSON: NUL in text, endless nesting, and
    numbers that are out of its range or that of others who read them.
    """
    is_plain = b"\\u0000" not in raw and raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH
    problems = []
    values = zip(body.__struct_encode_fields__, msgspec.structs.astuple(body), strict=True)
    for name, value in values:
        problem = None if is_plain else _unstorable(value)
        if problem:
            problems.append(FieldError(name, problem))
        elif type(value) is dict:
            problems += [FieldError(path, _OUT_OF_RANGE) for path in _wrong_numbers(name, value)]
    if problems:
        raise Invalid(*problems)


# What a double holds: JavaScript would read more as Infinity. And the decimals that jsonb keeps.
_LARGEST, _MOST_DECIMALS = Decimal("1.7976931348623157E+308"), 16_383
_OUT_OF_RANGE = (
    f"must be a number of at most 1.79E+308 with at most {_MOST_DECIMALS} decimals, or a text"
)


def _wrong_numbers(name: str, value: object) -> Iterator[str]:
    """The paths of the decimals in a value that are out of range, without recursion."""
    holders = (dict, list, Decimal)  # a path takes longer to write than a plain value to pass by
    waiting = [(name, value)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, dict):
            waiting += [
                (f"{path}.{key}", child) for key, child in node.items() if type(child) in holders
            ]
        elif isinstance(node, list):
            waiting += [
                (f"{path}[{place}]", child)
                for place, child in enumerate(node)
                if type(child) in holders
            ]
        elif isinstance(node, Decimal) and _is_out_of_range(node):
            yield path


def _is_out_of_range(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent
    return not isinstance(exponent, int) or exponent < -_MOST_DECIMALS or abs(number) > _LARGEST


def _unstorable(value: object) -> str | None:
    """The reason why PostgreSQL cannot keep a value. Goes down level by level, without recursion:
    the value may be as deep as the parser lets through.
    """
    level = [value]
    for _ in range(MAX_DEPTH + 1):  # the value itself, and what is inside it
        if any(isinstance(node, str) and "\0" in node for node in level):
            return "must not contain the NUL character; remove \\u0000"
        level = [child for node in level for child in _children(node)]
        if not level:
            return None
    return f"must not be nested deeper than {MAX_DEPTH} levels"


def _children(node: object) -> list[object]:
    if isinstance(node, dict):
        return [*node, *node.values()]
    if isinstance(node, list):
        return node
    return []


def sent(body: msgspec.Struct) -> dict[str, Any]:
    """Only the fields that were sent, by their column names, as asyncpg takes them."""
    values: dict[str, Any] = {}
    for name, value in zip(body.__struct_fields__, msgspec.structs.astuple(body), strict=True):
        if type(value) is dict:
            values[name] = exact_json.Json(exact_json.encode(value).decode())
        elif value is not UNSET:
            values[name] = value
    return values
