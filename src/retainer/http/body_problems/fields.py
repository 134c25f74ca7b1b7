"""Problems of a body's fields, each on its own, in words for a person."""

from decimal import Decimal
from functools import cache
from typing import get_type_hints

import msgspec
from msgspec import inspect

from retainer.errors import MOST_TOLD, UNTOLD, FieldError
from retainer.http.body_problems.json_text import BODY
from retainer.http.fields import EMAIL, HTTP

MOST_EXPLAINED = 10  # unknown names that are told what would be right


def problems(
    given: object, model: type[msgspec.Struct], read_only: frozenset[str] = frozenset()
) -> list[FieldError]:
    """The problems of each field on its own, so that one mistake does not hide another."""
    if not isinstance(given, dict):
        return [FieldError(BODY, f"must be a JSON object, not {_json_type(given)}")]
    fields = _fields(model)
    unknown = [name for name in given if name not in fields]
    problems = _unknown_fields(unknown, list(fields), read_only)
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


def _unknown_fields(
    names: list[str], known: list[str], read_only: frozenset[str]
) -> list[FieldError]:
    """A problem for each name; the first ones alone say what would be right."""
    fields = f"; the fields are {', '.join(known)}"
    if not known:
        fields = "; this path takes none"
    wrong = []
    for place, name in enumerate(names[:MOST_TOLD]):
        message = "is not a field here"
        if name in read_only and known:
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
    if value_type.pattern and value_type.pattern.startswith(HTTP):
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
