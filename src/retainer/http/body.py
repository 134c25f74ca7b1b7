"""Request bodies: JSON into the route's type, and every problem of a body told at once, by field,
with the remedy.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, get_type_hints

import msgspec
from msgspec import UNSET, inspect

from retainer.database import exact_json
from retainer.errors import MOST_TOLD, UNTOLD, FieldError, Invalid, MalformedJson
from retainer.http.fields import EMAIL, HTTP, is_read_only

MAX_DEPTH = 32  # levels of arrays and objects in metadata
MOST_EXPLAINED = 10  # unknown names that are told what would be right

T = TypeVar("T", bound=msgspec.Struct)


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a change that takes no fields. A field that is sent is refused as unknown,
    because it would have no effect.
    """


def decode(raw: bytes, model: type[T]) -> T:
    """The body as its type. Raises MalformedJson, or Invalid naming every field that is wrong."""
    try:
        body = exact_json.decode(raw, model)
    except msgspec.ValidationError:
        raise Invalid(*problems(_plain(raw), model)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(raw, error) from None
    _check_storable(body, raw)
    return body


def _plain(raw: bytes) -> object:
    try:
        return exact_json.decode(raw, object)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(raw, error) from None


def _malformed(raw: bytes, error: Exception) -> MalformedJson:
    if not raw.strip():
        return MalformedJson("The body is empty; send a JSON object.")
    if isinstance(error, RecursionError):
        return MalformedJson("The body is nested too deeply.")
    if isinstance(error, UnicodeDecodeError):
        return MalformedJson("The body is not text in UTF-8.")
    return MalformedJson(
        f"The body is not valid JSON: {str(error).removeprefix('JSON is malformed: ')}."
    )


def _check_storable(body: msgspec.Struct, raw: bytes) -> None:
    """Raise Invalid for what PostgreSQL cannot keep of JSON: NUL in text, endless nesting, and
    numbers that are out of its range or that of others who read them.
    """
    is_plain = b"\\u0000" not in raw and raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH
    problems = []
    for field, name in zip(body.__struct_fields__, body.__struct_encode_fields__, strict=True):
        value = getattr(body, field)
        problem = None
        if not is_plain:
            problem = _unstorable(value)
        if problem:
            problems.append(FieldError(name, problem))
        elif isinstance(value, dict):
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

    def holds(child: object) -> bool:  # a path takes longer to write than a plain value to pass by
        return isinstance(child, dict | list | Decimal)

    waiting = [(name, value)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, dict):
            waiting += [(f"{path}.{key}", child) for key, child in node.items() if holds(child)]
        elif isinstance(node, list):
            waiting += [
                (f"{path}[{place}]", child) for place, child in enumerate(node) if holds(child)
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


def problems(given: object, model: type[msgspec.Struct]) -> list[FieldError]:
    """The problems of each field on its own, so that one mistake does not hide another."""
    if not isinstance(given, dict):
        return [FieldError("body", f"must be a JSON object, not {_json_type(given)}")]
    fields = _fields(model)
    problems = _unknown_fields([name for name in given if name not in fields], list(fields))
    for name, field in fields.items():
        if name not in given:
            if field.required:
                problems.append(FieldError(name, f"is required; it must be {_words(field.type)}"))
            continue
        wrong = _wrong_items(given[name], field, model)
        problem = _problem(given[name], field, model)
        if problem and not wrong:
            problems.append(FieldError(name, problem))
        problems += wrong
    return problems


@cache
def _fields(model: type[msgspec.Struct]) -> dict[str, inspect.Field]:
    """The fields of a type, by their names in JSON."""
    info = inspect.type_info(model)
    assert isinstance(info, inspect.StructType)
    return {field.encode_name: field for field in info.fields}


_read_only: set[str] = set()  # fields of any record that the server sets


def declare_read_only(records: Iterable[type[msgspec.Struct]]) -> None:
    """Note the read-only fields of records, so that a body that sends one is refused with that
    reason. Called at the start.
    """
    for record in records:
        fields = msgspec.structs.fields(record)
        _read_only.update(field.encode_name for field in fields if is_read_only(field))


def _unknown_fields(names: list[str], known: list[str]) -> list[FieldError]:
    """A problem for each name; the first ones alone say what would be right."""
    fields = f"; the fields are {', '.join(known)}"
    if not known:
        fields = "; this path takes none"
    wrong = []
    for place, name in enumerate(names[:MOST_TOLD]):
        message = "is not a field here"
        if name in _read_only and known:
            message = "is read-only; leave it out"
        elif place < MOST_EXPLAINED:
            message += fields
        wrong.append(FieldError(name, message))
    return wrong + [UNTOLD] * (len(names) - len(wrong))


def _problem(value: object, field: inspect.Field, model: type[msgspec.Struct]) -> str | None:
    try:
        msgspec.convert({field.encode_name: value}, _single(model, field.name), strict=True)
    except msgspec.ValidationError:
        problem = f"must be {_words(field.type)}"
        if "password" in field.name or "token" in field.name:
            return problem
        return f"{problem}, not {_json_type(value)}"
    return None


def _wrong_items(
    value: object, field: inspect.Field, model: type[msgspec.Struct]
) -> list[FieldError]:
    """The wrong items of an array, each with its index; none when the array itself is wrong."""
    array = field.type
    if isinstance(array, inspect.Metadata):
        array = array.type
    if (
        not isinstance(array, inspect.ListType)
        or not isinstance(value, list)
        or len(value) > (array.max_length or 0)
    ):
        return []
    words = _words(array.item_type)
    return [
        FieldError(f"{field.encode_name}[{place}]", f"must be {words}, not {_json_type(item)}")
        for place, item in enumerate(value)
        if _problem([item], field, model)
    ]


@cache
def _single(model: type[msgspec.Struct], name: str) -> type[msgspec.Struct]:
    """A struct with only this field of another, to check the field alone."""
    hint = get_type_hints(model, include_extras=True)[name]
    return msgspec.defstruct(f"{model.__name__}_{name}", [(name, hint)], rename="camel")


def _words(value_type: inspect.Type) -> str:  # noqa: PLR0911 -- a case each
    """A type as a person would say it."""
    if isinstance(value_type, inspect.Metadata):
        return _words(value_type.type)
    if isinstance(value_type, inspect.UnionType):
        return " or ".join(_words(t) for t in value_type.types)
    if isinstance(value_type, inspect.EnumType):
        return "one of " + ", ".join(str(member.value) for member in value_type.cls)
    if isinstance(value_type, inspect.StrType):
        return _text_words(value_type)
    if isinstance(value_type, inspect.IntType):
        return _integer_words(value_type)
    if isinstance(value_type, inspect.ListType):
        return f"an array of at most {value_type.max_length}, each {_words(value_type.item_type)}"
    return _WORDS.get(type(value_type), "something else")


_WORDS: dict[type[inspect.Type], str] = {
    inspect.NoneType: "null",
    inspect.BoolType: "true or false",
    inspect.DateType: "a date such as 2026-01-31",
    inspect.DateTimeType: "a time with its zone, such as 2026-01-31T09:30:00Z",
    inspect.DictType: "an object",
}


def _integer_words(value_type: inspect.IntType) -> str:
    if value_type.ge is None:
        return "a whole number"
    if value_type.le is None:
        return f"a whole number of at least {value_type.ge}"
    return f"a whole number from {value_type.ge} to {value_type.le}"


def _text_words(value_type: inspect.StrType) -> str:
    words = "text"
    if value_type.max_length is not None:
        words += f" of {value_type.min_length or 0} to {value_type.max_length} characters"
    if value_type.pattern == EMAIL:
        return f"an e-mail address of {value_type.min_length} to {value_type.max_length} characters"
    if value_type.pattern == HTTP:
        words += ", an http or https address"
    elif value_type.pattern:
        words += ", not only spaces"
    return words


def _json_type(value: object) -> str:  # noqa: PLR0911 -- a case each
    """A value of JSON as a person would say it; a long text by its length alone."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and len(value) > 40:
        return f"text of {len(value)} characters"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, int | Decimal):
        return f"the number {str(value)[:40]}"
    if isinstance(value, list):
        return "an array"
    return "an object"


class Json(str):
    """JSON text, as asyncpg takes it for a jsonb column."""

    __slots__ = ()


def sent(body: msgspec.Struct) -> dict[str, Any]:
    """Only the fields that were sent, by their column names, as asyncpg takes them."""
    values = {
        name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET
    }
    for name, value in values.items():
        if isinstance(value, dict):
            values[name] = Json(exact_json.encode(value).decode())
    return values
