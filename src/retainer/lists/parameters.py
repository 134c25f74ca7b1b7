"""A list's parameters: from the query string to a Query, or every problem of it by name, with the
nearest right one.
"""

import difflib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from retainer.errors import FieldError, Invalid
from retainer.http.query_string import pairs, unknown
from retainer.lists import cursor
from retainer.lists.expression import translate
from retainer.lists.filters import Conditions, Context, Prefilter, Wrong
from retainer.lists.spec import ListSpec

MOST = 1000  # rows of one page
USUAL = 50  # rows of a page whose size is not said
MOST_SORTS = 4
GENERAL = ("limit", "cursor", "sort", "fields", "expand", "count", "filter")


class Query(NamedTuple):
    """What a list was asked for. `limit` is None for the whole list; `place` is where to go on,
    `is_backward` how.
    """

    limit: int | None
    sort: tuple[tuple[str, bool], ...]
    place: tuple[str, ...] | None
    is_backward: bool
    fields: tuple[str, ...]
    expand: tuple[str, ...]
    counted: str  # exact, estimate, or not at all
    where: str
    values: dict[str, Any]
    prefilters: list[Prefilter]
    asked: list[tuple[str, str]]  # the parameters as they came

    @property
    def filters(self) -> list[str]:
        """The names of what filters."""
        return [name for name, _ in self.asked if name not in GENERAL or name == "filter"]


def plain(spec: ListSpec) -> Query:
    """A list without parameters."""
    return Query(None, (spec.order,), None, False, tuple(spec.fields), (), "", "", {}, [], [])


def read(spec: ListSpec, query_string: bytes, zone: str) -> Query:
    """The query of a list. Raises Invalid with every problem."""
    return _Parameters(spec, zone).query(pairs(query_string))


def names(spec: ListSpec) -> list[str]:
    """Every parameter the list takes; paths into JSON stand as field.path."""
    found = [*GENERAL, *spec.custom_filters]
    for name, field in spec.fields.items():
        stem = f"{name}.path" if field.type == "json" else name
        found += [f"{stem}:{operator}" if operator else stem for operator in field.operators]
    return found


class _Parameters:
    """One reading, which gathers problems instead of stopping at the first."""

    def __init__(self, spec: ListSpec, zone: str) -> None:
        self.spec = spec
        self.conditions = Conditions(spec, Context(datetime.now(UTC), zone))
        self.problems: list[FieldError] = []
        self.where: list[str] = []

    def query(self, asked: list[tuple[str, str]]) -> Query:
        given = {name: value for name, value in asked if name in GENERAL}
        for name, value in asked:
            if name not in GENERAL:
                self._take(name, partial(self._filter, name, value))
        if "filter" in given:
            self._take("filter", lambda: self._expression(given["filter"]))
        limit = self._take("limit", lambda: _limit(given["limit"])) if "limit" in given else None
        sort = self._sort(given.get("sort"))
        fields = self._some("fields", given, list(self.spec.fields)) or tuple(self.spec.fields)
        expand = self._some("expand", given, list(self.spec.expand))
        count = (
            self._take("count", lambda: _word(given["count"], ["exact", "estimate"]))
            if "count" in given
            else ""
        )
        place, is_backward = self._place(given.get("cursor"), sort)
        if self.problems:
            raise Invalid(*self.problems)
        return Query(
            limit or (USUAL if place else None),
            sort,
            place,
            is_backward,
            fields,
            expand,
            count or "",
            "".join(f" AND {condition}" for condition in self.where),
            self.conditions.values,
            self.conditions.prefilters,
            asked,
        )

    def _take(self, name: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except Wrong as wrong:
            self.problems.append(FieldError(name, str(wrong)))
        except Invalid as invalid:
            self.problems += invalid.errors
        return None

    def _filter(self, name: str, text: str) -> None:
        self.where.append(self._compared(*_split(name), text))

    def _compared(self, name: str, operator: str, text: str) -> str:
        spec = self.spec
        head, _, path = name.partition(".")
        field = spec.fields.get(head)
        is_known = name in spec.custom_filters if operator == "" else False
        if (
            field is not None
            and operator in field.operators
            and bool(path) == (field.type == "json")
        ):
            is_known = True
        if not is_known:
            raise Invalid(unknown(f"{name}:{operator}" if operator else name, names(spec)))
        return self.conditions.of(name, operator, text)

    def _expression(self, text: str) -> None:
        found = len(self.conditions.prefilters)
        self.where.append(f"({translate(text, self._in_expression)})")
        del self.conditions.prefilters[
            found:
        ]  # inside an `or` the few rows of one side are not all

    def _in_expression(self, name: str, operator: str, value: str) -> str:
        try:
            return self._compared(name, operator, value)
        except Wrong as wrong:
            raise Wrong(f"{name} {wrong}") from None

    def _sort(self, text: str | None) -> tuple[tuple[str, bool], ...]:
        usual = (self.spec.order,)
        if text is None:
            return usual
        asked = [(part.removeprefix("-"), part.startswith("-")) for part in text.split(",")]
        known = self.spec.sorts
        for name, _ in asked:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1, 0.4)
                hint = f"the nearest is {near[0]}" if near else f"it takes {', '.join(known)}"
                self.problems.append(
                    FieldError(
                        "sort", f'cannot be by "{name[:40]}"; {hint}, with - before to turn it'
                    )
                )
        if len(asked) > MOST_SORTS:
            self.problems.append(FieldError("sort", f"must name at most {MOST_SORTS} fields"))
        return tuple({name: (name, turned) for name, turned in reversed(asked)}.values())[::-1]

    def _some(self, name: str, given: dict[str, str], known: list[str]) -> tuple[str, ...]:
        if name not in given:
            return ()
        asked = given[name].split(",")
        for word in asked:
            if word not in known:
                near = difflib.get_close_matches(word, known, 1, 0.4)
                hint = (
                    f"the nearest is {near[0]}"
                    if near
                    else f"it takes {', '.join(known) or 'nothing here'}"
                )
                self.problems.append(FieldError(name, f'has no "{word[:40]}"; {hint}'))
        return tuple(word for word in known if word in asked)

    def _place(
        self, text: str | None, sort: tuple[tuple[str, bool], ...]
    ) -> tuple[tuple[str, ...] | None, bool]:
        if text is None or self.problems:
            return None, False
        casts = [cast for _, cast, _ in self.spec.keys(sort)]
        found = cursor.decode(text, sort, casts)
        if found is None:
            words = "is not from this list in this order; take it from the Link header of the page before"
            self.problems.append(FieldError("cursor", words))
            return None, False
        return found


def _limit(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not 1 <= int(text) <= MOST:
        raise Wrong(
            f"must be a whole number from 1 to {MOST}; without it and without cursor the whole list is sent"
        )
    return int(text)


def _word(text: str, words: list[str]) -> str:
    if text not in words:
        raise Wrong(f'must be {" or ".join(words)}, not "{text[:40]}"')
    return text


def _split(name: str) -> tuple[str, str]:
    head, _, operator = name.partition(":")
    return head, operator
