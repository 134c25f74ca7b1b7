"""Filters of a list: a field, an operator and a value as written become SQL and parameters, or say
what is wrong.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from retainer.lists.spec import MOST_CANDIDATES, CustomFilter, Field, FieldType, ListSpec

MOST_VALUES = 200  # of one `in`
MOST_CHARACTERS = 300  # of one value
LARGEST = 2**53 - 1  # as ids are: what every client's numbers hold exactly
_RELATIVE = re.compile(r"([+ -])(\d{1,4})([hdwmy])")
# RFC 3339; the plus of an offset may have become a space on its way through a form.
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+ -]\d\d:\d\d)", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,16}", re.ASCII)
_COMPARED = {"": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
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


class Wrong(Exception):
    """What is wrong with a filter, as the message beside its name."""


class Prefilter(NamedTuple):
    """A function that finds the few rows of a filter by an index which row-level security keeps
    from the statement: an array of their ids in the list's usual order, or null where they are
    many.
    """

    sql: str  # its call, with parameters
    condition: str  # the filter that it stands for
    is_of_words: bool = False  # whether it is `q`


class Context(NamedTuple):
    """What values may refer to: the present moment, where the viewer is."""

    now: datetime
    zone: str

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.zone)).date()


class Conditions:
    """The conditions of one request: their SQL, whose values are :v0, :v1 …, and those values."""

    def __init__(self, spec: ListSpec, context: Context) -> None:
        self.spec = spec
        self.context = context
        self.values: dict[str, Any] = {}
        self.prefilters: list[Prefilter] = []

    def bind(self, value: Any) -> str:
        """The parameter that stands for a value."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def of(self, name: str, operator: str, text: str) -> str:
        """The SQL of one filter. Raises Wrong."""
        if len(text) > MOST_CHARACTERS * (MOST_VALUES if operator == "in" else 1):
            raise Wrong(f"must have at most {MOST_CHARACTERS} characters")
        custom = self.spec.custom_filters.get(name)
        if custom is not None:
            return self._custom(custom, text)
        head, _, path = name.partition(".")
        field = self.spec.fields[head]
        if operator == "null":
            return self._null(field, path, _boolean(text))
        if operator == "contains":
            return self._contains(field, text)
        if field.type == FieldType.JSON:
            return self._json(field, operator, path.split("."), text)
        return self._compared(field, operator, text)

    def _custom(self, custom: CustomFilter, text: str) -> str:
        if custom.type == FieldType.BOOLEAN:
            return custom.condition if _boolean(text) else f"NOT {custom.condition}"
        if not text.strip():
            raise Wrong("must not be empty")
        name = self.bind(_PARSERS[custom.type](text, self.context))
        condition = custom.condition.format(name)
        if not custom.prefilter:
            return condition
        return self._found(
            custom.prefilter.format(name, most=MOST_CANDIDATES), condition, is_of_words=True
        )

    def _found(self, call: str, condition: str, *, is_of_words: bool = False) -> str:
        self.prefilters.append(Prefilter(call, condition, is_of_words))
        return condition

    def _null(self, field: Field, path: str, is_wanted: bool) -> str:
        if path:
            name = self.bind(path.split("."))
            return f"{field.column} #> {name}::text[] IS {'NULL' if is_wanted else 'NOT NULL'}"
        if field.absent:
            return f"{field.column} {'=' if is_wanted else '<>'} {field.absent}"
        return f"{field.column} IS {'NULL' if is_wanted else 'NOT NULL'}"

    def _contains(self, field: Field, text: str) -> str:
        if not text.strip():
            raise Wrong("must not be empty")
        name = self.bind(text)
        call = f"{field.contains}(:tenant, {name}::text, {MOST_CANDIDATES})"
        return self._found(call, f"{field.column} LIKE like_part({name}::text)")

    def _json(self, field: Field, operator: str, path: list[str], text: str) -> str:
        if not all(path) or len(path) > 8:
            raise Wrong("must name a path into the object, such as metadata.region")
        texts = _listed(text) if operator == "in" else [text]
        # A bare word is a text; what reads as a number, true, false or null is also looked for as
        # that.
        wanted = [_nested(path, value) for each in texts for value in _readings(each)]
        name = self.bind([msgspec.json.encode(value).decode() for value in wanted])
        condition = f"{field.column} @> ANY({name}::jsonb[])"
        if operator == "not":
            return f"({condition}) IS NOT TRUE"
        return self._found(
            f"{field.prefilter}(:tenant, {name}::jsonb[], {MOST_CANDIDATES})", condition
        )

    def _compared(self, field: Field, operator: str, text: str) -> str:
        type = field.type
        assert type is not None
        cast = "smallint" if field.is_ranked else _CASTS[type]
        if type == FieldType.TAGS:
            return self._tags(field, operator, text)
        if operator == "in":
            name = self.bind([self._value(field, each) for each in _listed(text)])
            if type == FieldType.FOLDED:
                return f"{field.column} = ANY(ARRAY(SELECT fold(x) FROM unnest({name}::text[]) x))"
            return f"{field.column} = ANY({name}::{cast}[])"
        name = self.bind(self._value(field, text))
        given = f"fold({name}::text)" if type == FieldType.FOLDED else f"{name}::{cast}"
        if operator == "not":
            return f"{field.column} IS DISTINCT FROM {given}"
        condition = f"{field.column} {_COMPARED[operator]} {given}"
        is_open = field.absent and operator in ("gt", "gte")
        return f"({condition} AND {field.column} < {field.absent})" if is_open else condition

    def _tags(self, field: Field, operator: str, text: str) -> str:
        name = self.bind(_listed(text) if operator == "in" else [text])
        condition = f"{field.column} && fold_each({name}::text[])"
        if operator == "not":
            return f"NOT {condition}"
        return self._found(
            f"{field.prefilter}(:tenant, fold_each({name}::text[]), {MOST_CANDIDATES})", condition
        )

    def _value(self, field: Field, text: str) -> Any:
        if field.values is not None:
            if text not in list(field.values):
                raise Wrong(f'must be one of {", ".join(field.values)}, not "{text[:40]}"')
            return [*map(str, field.values)].index(text) if field.is_ranked else text
        assert field.type is not None
        return _PARSERS[field.type](text, self.context)


def _listed(text: str) -> list[str]:
    """Values between commas; one with a comma in it stands in double quotes."""
    found = [
        re.sub(r"\\(.)", r"\1", m[1]) if m[1] is not None else m[2] for m in _ITEM.finditer(text)
    ]
    if not text.strip() or not all(item.strip() for item in found):
        raise Wrong("must be values between commas, none of them empty")
    if len(found) > MOST_VALUES:
        raise Wrong(f"must have at most {MOST_VALUES} values")
    return found


_ITEM = re.compile(r'(?:^|,)(?:\s*"((?:[^"\\]|\\.)*)"\s*(?=,|$)|([^,]*))')


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise Wrong(f'must be true or false, not "{text[:40]}"')
    return text == "true"


def _integer(text: str, _context: Context) -> int:
    if not _INTEGER.fullmatch(text) or abs(int(text)) > LARGEST:
        raise Wrong(f'must be a whole number below 2^53, not "{text[:40]}"')
    return int(text)


def _text(text: str, _context: Context) -> str:
    return text


def _date(text: str, context: Context) -> date:
    """A day: 2026-01-31, today, or a number of days, weeks, months, years from today, such as -30d."""
    if text == "today":
        return context.today
    if (match := _RELATIVE.fullmatch(text)) and match[3] != "h":
        return _shifted(context.today, match)
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # such as 30 February
    raise Wrong(
        f'must be a date such as 2026-01-31, or such as today, -30d or +2w, not "{text[:40]}"'
    )


def _moment(text: str, context: Context) -> datetime:
    """A timestamp (RFC 3339); or a day, which stands for its beginning where the viewer is; or
    hours from now.
    """
    if (match := _RELATIVE.fullmatch(text)) and match[3] == "h":
        hours = timedelta(hours=int(match[2]))  # at most 9,999: about a year
        return context.now - hours if match[1] == "-" else context.now + hours
    try:
        if _TIMESTAMP.fullmatch(text):
            return msgspec.convert(text.replace(" ", "+"), datetime).astimezone(UTC)
        day = _date(text, context)
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(context.zone)).astimezone(UTC)
    except (ValueError, OverflowError, msgspec.ValidationError, Wrong):
        words = "a time such as 2026-01-31T09:30:00Z, a date such as 2026-01-31, or such as today, -30d or -12h"
        raise Wrong(f'must be {words}, not "{text[:40]}"') from None


def _shifted(day: date, match: re.Match[str]) -> date:
    number = int(match[2]) * (-1 if match[1] == "-" else 1)
    try:
        if match[3] in "dw":
            return day + timedelta(days=number * (7 if match[3] == "w" else 1))
        months = day.year * 12 + day.month - 1 + number * (12 if match[3] == "y" else 1)
        first = date(months // 12, months % 12 + 1, 1)
        return first + timedelta(days=min(day.day, _days_of(first)) - 1)
    except (ValueError, OverflowError):
        raise Wrong("must not be so far away") from None


def _days_of(first: date) -> int:
    return ((first + timedelta(days=31)).replace(day=1) - first).days


def _readings(text: str) -> list[Any]:
    try:
        read = msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError):
        return [text]
    return (
        [read]
        if isinstance(read, str)
        else [text, read]
        if not isinstance(read, dict | list)
        else [text]
    )


def _nested(path: list[str], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


_PARSERS: dict[FieldType, Callable[[str, Context], Any]] = {
    FieldType.INTEGER: _integer,
    FieldType.TEXT: _text,
    FieldType.FOLDED: _text,
    FieldType.WORD: _text,
    FieldType.BOOLEAN: lambda text, _: _boolean(text),
    FieldType.DATE: _date,
    FieldType.MOMENT: _moment,
    FieldType.TAGS: _text,
}
