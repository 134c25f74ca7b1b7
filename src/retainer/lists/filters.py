"""Filters of a list. From a field, an operator and a value as the URL writes them to SQL and its
parameters, or to a message about a mistake in them.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from typing import NamedTuple, TypeAlias

import msgspec

from retainer.lists import dates
from retainer.lists.dates import BadValue, Context
from retainer.lists.spec import MAX_CANDIDATES, CustomFilter, Field, FieldType, ListSpec

MAX_VALUES = 200  # of one `in`
MAX_VALUE_LENGTH = 300  # characters
MAX_PATH_LENGTH = 8  # keys
FEWEST_DIGITS = 6  # by which a telephone number is found
MAX_INTEGER = 2**53 - 1  # the largest that JavaScript's numbers hold exactly

# A value between commas; in double quotes it may have commas itself.
_ITEM = re.compile(r'(?:^|,)(?:\s*"((?:[^"\\]|\\.)*)"\s*(?=,|$)|([^,]*))')
_INTEGER = re.compile(r"[+-]?\d{1,16}", re.ASCII)

_COMPARISONS = {"": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_IS_NULL = {True: "IS NULL", False: "IS NOT NULL"}
_CASTS = {
    FieldType.INTEGER: "bigint",
    FieldType.TEXT: "text",
    FieldType.FOLDED: "text",
    FieldType.WORD: "text",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "date",
    FieldType.MOMENT: "timestamptz",
    FieldType.TAGS: "text",
    FieldType.JSON: "jsonb",
}

Value: TypeAlias = int | str | date


class Prefilter(NamedTuple):
    """The call of a function that finds a filter's rows by an index that row-level security keeps
    the list's own statement from using. It returns the ids as an array in the list's usual order,
    or null when there are too many.
    """

    sql: str
    condition: str  # the filter that it replaces
    is_search: bool = False  # True for `q`


class Conditions:
    """The conditions of one request. Their SQL refers to `values` as :v0, :v1 …"""

    def __init__(self, spec: ListSpec, context: Context) -> None:
        self.spec = spec
        self.context = context
        self.values: dict[str, object] = {}
        self.prefilters: list[Prefilter] = []

    def condition(  # noqa: PLR0911 -- a case each
        self, name: str, operator: str, value: str
    ) -> str:
        """The SQL of one filter. Raises BadValue."""
        _check_length(operator, value)
        custom = self.spec.custom_filters.get(name)
        if custom is not None:
            return self._custom(custom, value)
        head, _, path = name.partition(".")
        field = self.spec.fields[head]
        if operator == "null":
            return self._null(field, path, _boolean(value))
        if field.is_phone:
            return self._phone(field, operator, value)
        if operator == "contains":
            return self._contains(field, value)
        if field.type == FieldType.JSON:
            return self._json(field, operator, path.split("."), value)
        if field.type == FieldType.TAGS:
            return self._tags(field, operator, value)
        return self._comparison(field, operator, value)

    def bind(self, value: object) -> str:
        """The parameter that holds a value."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def _custom(self, custom: CustomFilter, value: str) -> str:
        if custom.type == FieldType.BOOLEAN:
            if _boolean(value):
                return custom.condition
            return f"NOT {custom.condition}"
        if not value.strip():
            raise BadValue("must not be empty")
        parsed = _PARSERS[custom.type](custom.normalize(value), self.context)
        if custom.ends_with_day:
            parsed = dates.end_of_day(value, self.context) or parsed
        parameter = self.bind(parsed)
        condition = custom.condition.format(parameter)
        if not custom.prefilter:
            return condition
        call = custom.prefilter.format(parameter, most=MAX_CANDIDATES)
        return self._prefiltered(call, condition, is_search=True)

    def _null(self, field: Field, path: str, is_null: bool) -> str:
        if path:
            keys = self.bind(path.split("."))
            return f"{field.column} #> {keys}::text[] {_IS_NULL[is_null]}"
        if not field.absent:
            return f"{field.column} {_IS_NULL[is_null]}"
        if is_null:
            return f"{field.column} = {field.absent}"
        return f"{field.column} <> {field.absent}"

    def _contains(self, field: Field, value: str) -> str:
        if not value.strip():
            raise BadValue("must not be empty")
        part = self.bind(value)
        call = f"{field.contains}(:tenant, {part}::text, {MAX_CANDIDATES})"
        condition = f"{field.column} LIKE like_part({part}::text)"
        return self._prefiltered(field.if_told(call), condition)

    def _phone(self, field: Field, operator: str, value: str) -> str:
        if not value.strip():
            raise BadValue("must not be empty")
        digits = _digits(value)
        if operator == "contains":
            part = f"{self.bind(digits)}::text"
            return f"phone_digits({field.column}) LIKE '%' || {part} || '%'"
        if len(digits) < FEWEST_DIGITS:
            raise BadValue(f"must have at least the last {FEWEST_DIGITS} digits of a number")
        typed = f"{self.bind(digits)}::text"
        call = f"{self.spec.noun}_with_phone(:tenant, {typed}, {MAX_CANDIDATES})"
        return self._prefiltered(call, f"is_same_phone(phone_digits({field.column}), {typed})")

    def _json(self, field: Field, operator: str, path: list[str], value: str) -> str:
        if not all(path) or len(path) > MAX_PATH_LENGTH:
            raise BadValue("must name a path into the object, such as metadata.region")
        objects = [
            msgspec.json.encode(_nested(path, reading)).decode()
            for item in _items_of(operator, value)
            for reading in _readings(item)
        ]
        parameter = self.bind(objects)
        condition = f"{field.column} @> ANY({parameter}::jsonb[])"
        if operator == "not":
            return f"({condition}) IS NOT TRUE"
        call = f"{field.prefilter}(:tenant, {parameter}::jsonb[], {MAX_CANDIDATES})"
        return self._prefiltered(field.if_told(call), condition)

    def _tags(self, field: Field, operator: str, value: str) -> str:
        if not value.strip():
            raise BadValue("must not be empty")
        tags = f"fold_each({self.bind(_items_of(operator, value))}::text[])"
        condition = f"{field.column} && {tags}"
        if operator == "not":
            return f"NOT {condition}"
        call = f"{field.prefilter}(:tenant, {tags}, {MAX_CANDIDATES})"
        return self._prefiltered(field.if_told(call), condition)

    def _in(self, field: Field, value: str) -> str:
        parameter = self.bind([self._parsed(field, item) for item in _items(value)])
        if field.type == FieldType.FOLDED:
            folded = f"ARRAY(SELECT fold(x) FROM unnest({parameter}::text[]) x)"
            return f"{field.column} = ANY({folded})"
        return f"{field.column} = ANY({parameter}::{_cast(field)}[])"

    def _comparison(self, field: Field, operator: str, value: str) -> str:
        if operator == "in":
            return self._in(field, value)
        parsed = self._parsed(field, value)
        if field.type == FieldType.MOMENT and operator == "lte":
            end = dates.end_of_day(value, self.context)
            if end is not None:
                return f"{field.column} < {self.bind(end)}::timestamptz"
        sql = f"{self.bind(parsed)}::{_cast(field)}"
        if field.type == FieldType.FOLDED:
            sql = f"fold({sql})"
        if operator == "not":
            return f"{field.column} IS DISTINCT FROM {sql}"
        condition = f"{field.column} {_COMPARISONS[operator]} {sql}"
        if field.absent and operator in ("gt", "gte"):
            # A row without a value sorts last, but is not greater than any value.
            return f"({condition} AND {field.column} < {field.absent})"
        return condition

    def _prefiltered(self, call: str, condition: str, *, is_search: bool = False) -> str:
        self.prefilters.append(Prefilter(call, condition, is_search))
        return condition

    def _parsed(self, field: Field, value: str) -> Value:
        assert field.type is not None
        if field.values is None:
            return _PARSERS[field.type](value, self.context)
        words = [str(word) for word in field.values]
        if value not in words:
            raise BadValue(f'must be one of {", ".join(words)}, not "{value[:40]}"')
        if field.is_ranked:
            return words.index(value)
        return value


def _digits(value: str) -> str:
    """The digits of a telephone number as phone_digits() has them, database/functions/words.sql."""
    plain = unicodedata.normalize("NFKC", value)
    plain = re.sub(r"(ext|x|#).*", "", plain, flags=re.IGNORECASE | re.DOTALL).replace("(0)", "")
    digits = re.sub(r"[^0-9]", "", plain).lstrip("0")
    if not digits:
        raise BadValue("must have digits")
    return digits


def _check_length(operator: str, value: str) -> None:
    longest = MAX_VALUE_LENGTH
    if operator == "in":
        longest *= MAX_VALUES
    if len(value) > longest:
        raise BadValue(f"must have at most {MAX_VALUE_LENGTH} characters")


def _cast(field: Field) -> str:
    """The SQL type that a field's values are compared in."""
    assert field.type is not None
    if field.is_ranked:
        return "smallint"
    return _CASTS[field.type]


def _items_of(operator: str, value: str) -> list[str]:
    """The values of an `in`, or the only one of another operator."""
    if operator == "in":
        return _items(value)
    return [value]


def _items(value: str) -> list[str]:
    """The values between commas; one that has a comma itself is in double quotes."""
    items = [_item(match) for match in _ITEM.finditer(value)]
    if not value.strip() or not all(item.strip() for item in items):
        raise BadValue("must be values between commas, none of them empty")
    if len(items) > MAX_VALUES:
        raise BadValue(f"must have at most {MAX_VALUES} values")
    return items


def _item(match: re.Match[str]) -> str:
    quoted, bare = match[1], match[2]
    if quoted is None:
        return bare
    return re.sub(r"\\(.)", r"\1", quoted)


def _boolean(value: str) -> bool:
    if value not in ("true", "false"):
        raise BadValue(f'must be true or false, not "{value[:40]}"')
    return value == "true"


def _integer(value: str, _context: Context) -> int:
    if not _INTEGER.fullmatch(value) or abs(int(value)) > MAX_INTEGER:
        raise BadValue(f'must be a whole number below 2^53, not "{value[:40]}"')
    return int(value)


def _text(value: str, _context: Context) -> str:
    return value


def _readings(value: str) -> list[object]:
    """The JSON values that a word may stand for: `5` is the text "5" or the number. In double
    quotes it is a text only.
    """
    try:
        decoded = msgspec.json.decode(value)
    except (msgspec.DecodeError, ValueError):
        return [value]
    if isinstance(decoded, str):
        return [decoded]
    if isinstance(decoded, dict | list):
        return [value]
    return [value, decoded]


def _nested(path: list[str], value: object) -> object:
    for key in reversed(path):
        value = {key: value}
    return value


_PARSERS: dict[FieldType, Callable[[str, Context], Value]] = {
    FieldType.INTEGER: _integer,
    FieldType.TEXT: _text,
    FieldType.FOLDED: _text,
    FieldType.WORD: _text,
    FieldType.BOOLEAN: lambda value, _: _boolean(value),
    FieldType.DATE: dates.day,
    FieldType.MOMENT: dates.moment,
    FieldType.TAGS: _text,
}
