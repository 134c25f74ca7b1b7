"""Parameters of a list, from the query string to a `Query`. Every mistake in them is reported by
name, with the nearest correct name.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple, TypeVar

from retainer.errors import FieldError, Invalid
from retainer.http.query_string import LONGEST_SHOWN, NearWords, pairs
from retainer.lists import cursor
from retainer.lists.dates import BadValue, Context
from retainer.lists.expression import translate
from retainer.lists.filters import Conditions, Prefilter
from retainer.lists.formats import NAMED
from retainer.lists.spec import FieldType, ListSpec

MAX_LIMIT = 1000  # rows of one page
DEFAULT_LIMIT = 50  # rows of a page, where only a cursor is given
MAX_SORTS = 4
GENERAL = ("limit", "cursor", "sort", "fields", "expand", "count", "filter")
FORMAT = "format"  # of a download, where the address of its page names it

T = TypeVar("T")


class Query(NamedTuple):
    """A read query string. `limit` is None for the whole list; `position` is the sort keys at which
    to go on, from the cursor. `is_composed` is False where the program itself wrote it, with at
    most an id from outside.
    """

    limit: int | None
    sort: tuple[tuple[str, bool], ...]  # names, each with True for descending
    position: tuple[str, ...] | None
    is_backward: bool
    fields: tuple[str, ...]
    expand: tuple[str, ...]
    counted: str  # "exact", "estimate", or "" for no count
    where: str  # the filters' SQL, which refers to `values`
    values: dict[str, object]
    prefilters: list[Prefilter]
    parameters: list[tuple[str, str]]  # as they were sent
    is_composed: bool = True
    format: str = ""  # of the response, where the address names it

    @property
    def of_program(self) -> "Query":
        """The same query as one that the program wrote."""
        return self._replace(is_composed=False)

    @property
    def short_timeout(self) -> bool:
        """True where it may take long, and the best plan depends on what people wrote in it."""
        if not self.is_composed:
            return bool(self.prefilters)  # which take a text that somebody typed
        return bool(self.where) or self.counted == "exact" or len(self.sort) > 1

    @property
    def filters(self) -> list[str]:
        """The names of the parameters that filter."""
        others = {*GENERAL, FORMAT} if self.format else {*GENERAL}
        return [name for name, _ in self.parameters if name == "filter" or name not in others]


def plain(spec: ListSpec) -> Query:
    """The query of a list without parameters."""
    return Query(None, (spec.order,), None, False, tuple(spec.fields), (), "", "", {}, [], [])


def read(spec: ListSpec, query_string: bytes, zone: str) -> Query:
    """The query of a list. Raises Invalid with every problem."""
    return _Reader(spec, zone).query(pairs(query_string, _is_array))


def _is_array(name: str) -> bool:
    """True for a parameter that takes several values."""
    return name in ("sort", "fields", "expand") or name.endswith(":in")


def names(spec: ListSpec) -> list[str]:
    """Every parameter that a list takes; a path into JSON is written as field.path."""
    every = [*general_names(spec), *spec.custom_filters]
    for name, field in spec.fields.items():
        stem = name
        if field.type == FieldType.JSON:
            stem = f"{name}.path"
        every += [_filter_name(stem, operator) for operator in field.operators]
    return every


def general_names(spec: ListSpec) -> tuple[str, ...]:
    """The parameters that are no filters of this list."""
    if spec.is_download:
        return (*GENERAL, FORMAT)
    return GENERAL


class _Reader:
    """One reading of a query string. It collects problems instead of stopping at the first."""

    def __init__(self, spec: ListSpec, zone: str) -> None:
        self.spec = spec
        self.conditions = Conditions(spec, Context(datetime.now(UTC), zone))
        self.problems: list[FieldError] = []
        self.near = NearWords()
        self.where: list[str] = []

    def query(self, parameters: list[tuple[str, str]]) -> Query:
        known = general_names(self.spec)
        general = {name: value for name, value in parameters if name in known}
        for name, value in parameters:
            if name not in known:
                self._try(name, partial(self._filter, name, value))
        if "filter" in general:
            self._try("filter", lambda: self._expression(general["filter"]))
        limit = self._limit(general)
        sort = self._sort(general.get("sort"))
        fields = self._selected("fields", general, list(self.spec.fields))
        expand = self._selected("expand", general, list(self.spec.expand))
        counted = self._count(general)
        format = self._format(general)
        position, is_backward = self._position(general.get("cursor"), sort)
        if self.problems:
            raise Invalid(*self.problems)
        if limit is None and position is not None:
            limit = DEFAULT_LIMIT
        return Query(
            limit,
            sort,
            position,
            is_backward,
            fields or tuple(self.spec.fields),
            expand,
            counted,
            "".join(f" AND {condition}" for condition in self.where),
            self.conditions.values,
            self.conditions.prefilters,
            parameters,
            format=format,
        )

    def _try(self, name: str, work: Callable[[], T]) -> T | None:
        """The result of reading one parameter, or None after noting its problem."""
        try:
            return work()
        except BadValue as bad:
            self.problems.append(FieldError(name, str(bad)))
        except Invalid as invalid:
            self.problems += invalid.errors
        return None

    def _filter(self, parameter: str, value: str) -> None:
        name, _, operator = parameter.partition(":")
        self.where.append(self._condition(name, operator, value))

    def _expression(self, expression: str) -> None:
        count = len(self.conditions.prefilters)
        self.where.append(f"({translate(expression, self._condition_inside)})")
        # Inside an `or`, the rows that one side's prefilter finds are not all of them.
        del self.conditions.prefilters[count:]

    def _condition_inside(self, name: str, operator: str, value: str) -> str:
        """The SQL of one comparison of an expression, its name in front of any problem."""
        try:
            return self._condition(name, operator, value)
        except BadValue as bad:
            raise BadValue(f"{name} {bad}") from None

    def _condition(self, name: str, operator: str, value: str) -> str:
        if not self._takes(name, operator):
            raise Invalid(self.near.unknown(_filter_name(name, operator), names(self.spec)))
        return self.conditions.condition(name, operator, value)

    def _takes(self, name: str, operator: str) -> bool:
        """True if the list has this filter. Paths lead into JSON fields, and into no others."""
        if name in self.spec.custom_filters and operator == "":
            return True
        head, _, path = name.partition(".")
        field = self.spec.fields.get(head)
        if field is None or operator not in field.operators:
            return False
        return bool(path) == (field.type == FieldType.JSON)

    def _limit(self, general: dict[str, str]) -> int | None:
        if "limit" not in general:
            return None
        return self._try("limit", lambda: _parsed_limit(general["limit"]))

    def _count(self, general: dict[str, str]) -> str:
        if "count" not in general:
            return ""
        return self._try("count", lambda: _parsed_count(general["count"])) or ""

    def _format(self, general: dict[str, str]) -> str:
        named = general.get(FORMAT, "")
        if named and named not in NAMED:
            self.problems.append(FieldError(FORMAT, f"must be one of {', '.join(NAMED)}"))
        return named

    def _sort(self, value: str | None) -> tuple[tuple[str, bool], ...]:
        if value is None:
            return (self.spec.order,)
        keys = value.split(",")
        if len(keys) > MAX_SORTS:
            self.problems.append(FieldError("sort", f"must name at most {MAX_SORTS} fields"))
        known = self.spec.sorts
        for key in keys[:MAX_SORTS]:
            name = key.removeprefix("-")
            if name not in known:
                hint = self._nearest(name, known)
                message = f'cannot be by "{name[:LONGEST_SHOWN]}"; {hint}, with - before to turn it'
                self.problems.append(FieldError("sort", message))
        # Backward, so that of a name that comes twice the first direction counts.
        sorts = {key.removeprefix("-"): key.startswith("-") for key in reversed(keys)}
        return tuple(reversed(sorts.items()))

    def _selected(self, name: str, general: dict[str, str], known: list[str]) -> tuple[str, ...]:
        """The names that `fields` or `expand` selects, in the list's own order."""
        if name not in general:
            return ()
        selected = general[name].split(",")
        if len(selected) > len(known):
            message = f"has {len(selected)} names; the list has {len(known)}"
            self.problems.append(FieldError(name, message))
            return ()
        for word in selected:
            if word not in known:
                message = f'has no "{word[:LONGEST_SHOWN]}"; {self._nearest(word, known)}'
                self.problems.append(FieldError(name, message))
        return tuple(word for word in known if word in selected)

    def _nearest(self, name: str, known: list[str]) -> str:
        if not known:
            return "it takes nothing here"
        return self.near.hint(name, known)

    def _position(
        self, value: str | None, sort: tuple[tuple[str, bool], ...]
    ) -> tuple[tuple[str, ...] | None, bool]:
        """The sort keys at which to go on, and True for backward."""
        if value is None or self.problems:
            return None, False
        casts = [key.cast for key in self.spec.keys(sort)]
        decoded = cursor.decode(value, sort, casts)
        if decoded is None:
            message = (
                "is not from this list in this order;"
                " take it from the Link header of the page before"
            )
            self.problems.append(FieldError("cursor", message))
            return None, False
        return decoded


def _filter_name(name: str, operator: str) -> str:
    """A filter as the query string writes it: `name`, or `name:operator`."""
    if not operator:
        return name
    return f"{name}:{operator}"


def _parsed_limit(value: str) -> int:
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII) or not 1 <= int(value) <= MAX_LIMIT:
        raise BadValue(
            f"must be a whole number from 1 to {MAX_LIMIT};"
            " without it and without cursor the whole list is sent"
        )
    return int(value)


def _parsed_count(value: str) -> str:
    if value not in ("exact", "estimate"):
        raise BadValue(f'must be exact or estimate, not "{value[:40]}"')
    return value
