"""What a list can do, declared once per noun: its fields, what they are filtered and sorted by,
what expands.

The API's parameters, the statements of a page, the OpenAPI document and exports are all read off
this declaration.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NamedTuple

from retainer.database.statement import Statement

MAX_EXPANDED = 20  # objects of an expanded array
# Rows that a filter may leave to be fetched one by one; from more on the list is walked in its
# order. Of words more are fetched: a walk to the names in X among 500,000 took longer than it may.
MAX_CANDIDATES, MAX_WORD_CANDIDATES = 4000, 30_000
ABSENT = "U&'\\+10FFFF'"  # what a text's sort key holds where there is none: it sorts last
NEVER = "'infinity'::date"  # the same of a date


class FieldType(StrEnum):
    """How the values of a field are written in a parameter, and compared."""

    INTEGER = "integer"
    TEXT = "text"  # exactly as it stands
    FOLDED = "folded"  # case- and accent-folded
    WORD = "word"  # one of a few known words
    BOOLEAN = "boolean"
    DATE = "date"
    MOMENT = "moment"  # a timestamp
    TAGS = "tags"  # an array of folded texts
    JSON = "json"  # an object, asked for by paths into it


OPERATORS: dict[FieldType, tuple[str, ...]] = {
    FieldType.INTEGER: ("", "in", "not", "gt", "gte", "lt", "lte"),
    FieldType.TEXT: ("", "in", "not"),
    FieldType.FOLDED: ("", "in", "not"),
    FieldType.WORD: ("", "in", "not"),
    FieldType.BOOLEAN: ("",),
    FieldType.DATE: ("", "in", "not", "gt", "gte", "lt", "lte"),
    FieldType.MOMENT: ("gt", "gte", "lt", "lte"),
    FieldType.TAGS: ("", "in", "not"),
    FieldType.JSON: ("", "in", "not", "null"),
}


Words = type[StrEnum]  # those that a field takes


class Field(NamedTuple):
    """A field of a list's objects.

    `sql` is its value in JSON. With a `type` it can be filtered by `key`, the column that indexes
    know (by default `sql`), which holds `absent` where there is no value, or else null when
    `nullable`. `sort` is what it is sorted by, never null and of the type `cast`; a value that
    reads `key` stands for that. `contains` names the function that finds the few rows whose key has
    a part (migration 0008), `prefilter` the same for tags and JSON.
    """

    sql: str
    type: FieldType | None = None
    key: str = ""
    sort: str = ""
    cast: str = "text"
    values: Words | None = None
    nullable: bool = False
    absent: str = ""
    contains: str = ""
    prefilter: str = ""
    is_ranked: bool = False  # whether the key is the place of the value among `values`

    @property
    def column(self) -> str:
        """What is compared."""
        return self.key or self.sql

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators it takes; "" is plain equality."""
        found = OPERATORS[self.type] if self.type else ()
        found += ("contains",) if self.contains else ()
        return found + (("null",) if self.nullable and "null" not in found else ())


class CustomFilter(NamedTuple):
    """A filter that is no field: `condition` with `{}` for the value; of a boolean, it or its
    opposite. `prefilter` is the call of a function that finds its few rows; it may name `{most}`.
    """

    condition: str
    type: FieldType
    sentence: str
    prefilter: str = ""


class PageShape(NamedTuple):
    """The shape of a page, without its values: equal plans share one statement."""

    fields: tuple[str, ...]
    expand: tuple[str, ...]
    sort: tuple[tuple[str, bool], ...]  # name, whether descending
    where: str = ""
    ids: str = ""  # SQL of an array of the ids that can be meant; it may be null at last: then the page has nothing
    is_first: bool = False  # whether these are all there is, in the list's usual order, and the page their beginning
    is_placed: bool = False  # whether it begins behind a place, :k0, :k1 …
    is_backward: bool = False
    short_timeout: bool = False  # whether it may be costly, and so runs under the short limit
    separator: str = ","


class ListSpec:
    """A list of a noun: FROM, WHERE, fields, and the sort that a list has when none is asked for.

    `order` names the sort ("-id": the newest first). Ties are broken by it, then by id, in the same
    direction, so that a page never depends on chance; of timestamps by id alone. `tie_break` comes
    before the id where that is of several nouns (a field "id" that cannot be sorted by is no key).
    `expand` are further objects that can be asked for, by name.
    """

    def __init__(
        self,
        table: str,
        where: str,
        fields: Mapping[str, Field],
        *,
        order: str,
        id: str,
        custom_filters: Mapping[str, CustomFilter] | None = None,
        expand: Mapping[str, str] | None = None,
        tie_break: Field | None = None,
    ) -> None:
        self.table = table
        self.where = where
        self.fields = dict(fields)
        own = "id" in fields and fields["id"].sort
        self.keyed = {**fields, "id": fields["id"] if own else Field(id, sort=id, cast="bigint")}
        self.tie_break = tie_break
        self.order = (order.removeprefix("-"), order.startswith("-"))
        self.id = id
        self.custom_filters = dict(custom_filters or {})
        self.expand = dict(expand or {})
        self.is_whole = True
        self.page: Callable[[PageShape], Statement] = lru_cache(maxsize=512)(self._page)
        self.matching: Callable[[str, str], Statement] = lru_cache(maxsize=128)(self._matching)
        self.counting: Callable[[str], Statement] = lru_cache(maxsize=128)(self._counting)
        self.prefiltering: Callable[[str], Statement] = lru_cache(maxsize=128)(self._prefiltering)

    @cached_property
    def is_short(self) -> Statement:
        """Whether the viewer sees no more than :most rows of it."""
        return Statement(f"""SELECT count(*) <= :most FROM (
            SELECT FROM {self.table} WHERE {self.where} LIMIT :most + 1) first""")

    def of_parent(self, condition: str) -> "ListSpec":
        """The same list, of what belongs to a parent (:parent)."""
        part = ListSpec(
            self.table,
            f"{self.where} {condition}",
            self.fields,
            id=self.id,
            custom_filters=self.custom_filters,
            expand=self.expand,
            order=("-" if self.order[1] else "") + self.order[0],
        )
        part.is_whole = False
        return part

    @property
    def noun(self) -> str:
        """The table's name: organizations."""
        return self.table.split()[0]

    @property
    def sorts(self) -> list[str]:
        """The names that it can be sorted by."""
        return [name for name, field in self.fields.items() if field.sort]

    def keys(self, sort: tuple[tuple[str, bool], ...]) -> list[tuple[str, str, bool]]:
        """What a sort goes by, down to the id: SQL, type, whether descending."""
        names = dict(sort)
        last, direction = sort[-1]
        if self.keyed[last].type != FieldType.MOMENT:
            names.setdefault(self.order[0], direction)
        names.setdefault("id", direction)
        named = list(names.items())
        place = [name for name, _ in named].index("id")
        found = [(self.keyed[n].sort, self.keyed[n].cast, d) for n, d in named[: place + 1]]
        if self.tie_break is not None:
            found.insert(place, (self.tie_break.sort, self.tie_break.cast, direction))
        return found

    def _page(self, shape: PageShape) -> Statement:
        values = {
            name: self.fields.get(name) or self.expand[name] for name in shape.fields + shape.expand
        }
        is_late = self.is_plain and not shape.is_first
        is_late = is_late and (bool(shape.ids) or bool(shape.where) or len(shape.sort) > 1)
        json = self._again(row_json(values)) if is_late else "page.json"
        keys = self.keys(shape.sort)
        places = ", ".join(f"k{n}::text" for n in range(len(keys)))
        direction = " ORDER BY n DESC" if shape.is_backward else ""
        matched = f"WITH matched AS MATERIALIZED (SELECT {shape.ids} AS ids)" if shape.ids else ""
        return Statement(
            f"""
            {matched}
            SELECT convert_to(string_agg(json::text, '{shape.separator}'{direction}) FILTER (WHERE n <= :chunk), 'UTF8')
                    AS chunk, count(*), max(place) FILTER (WHERE n = 1) AS first,
                max(place) FILTER (WHERE n = :chunk) AS last,
                {"(SELECT cardinality(ids) FROM matched)" if shape.ids else "NULL::int"} AS matched
            FROM (SELECT row_number() OVER () AS n, ARRAY[{places}] AS place, {json} AS json FROM (
                {self._found(shape, keys, f"{self.id} AS id" if is_late else f"{row_json(values)} AS json")}
                LIMIT :chunk + 1) page) numbered
            """,
            short_timeout=shape.short_timeout,
        )

    @property
    def is_plain(self) -> bool:
        """Whether its rows are those of one table, which may be read again by their id."""
        return not self.table.startswith("(") and not re.search(r"(?<!LEFT) JOIN", self.table)

    def _again(self, json: str) -> str:
        """The JSON of a row that was found. It is written for the rows of the page only, however
        many were sorted, and an index that knows what is filtered and sorted by is all that the
        others are read from.
        """
        alias = self.id.partition(".")[0]
        return f"(SELECT {json} FROM {self.table} WHERE {alias}.tenant_id = :tenant AND {self.id} = page.id)"

    def _found(self, shape: PageShape, keys: list[tuple[str, str, bool]], what: str) -> str:
        """The rows of a page in order: their sort keys, and what else there shall be."""
        named = ", ".join(f"{sql} AS k{n}" for n, (sql, _, _) in enumerate(keys))
        order = ", ".join(
            f"k{n} {'DESC' if d != shape.is_backward else 'ASC'}"
            for n, (_, _, d) in enumerate(keys)
        )
        behind = f"AND {_behind(keys, shape.is_backward)}" if shape.is_placed else ""
        candidates = (
            f"AND {self.id} = ANY((SELECT ids{_beginning(shape)} FROM matched)::bigint[]) OFFSET 0"
            if shape.ids
            else ""
        )
        # All of few are read, then sorted. For the first of them the planner would walk the list,
        # looking each row up.
        return f"""SELECT * FROM (
                    SELECT {named}, {what} FROM {self.table}
                    WHERE {self.where} {shape.where} {behind} {candidates}) found
                ORDER BY {order}"""

    def among(self, ids: str) -> str:
        """The condition that a row is one of them. They are found once: the planner would else find
        them again to plan by, and might ask for each row.
        """
        return f" AND {self.id} = ANY((SELECT {ids})::bigint[])"

    def _matching(self, what: str, where: str) -> Statement:
        return Statement(
            f"SELECT {what} FROM {self.table} WHERE {self.where} {where}", short_timeout=True
        )

    def _counting(self, where: str) -> Statement:
        """How many rows match, of no more than :most + 1."""
        first = f"SELECT FROM {self.table} WHERE {self.where} {where} LIMIT :most + 1"
        return Statement(f"SELECT count(*) FROM ({first}) first", short_timeout=True)

    def _prefiltering(self, call: str) -> Statement:
        return Statement(f"SELECT {call}", short_timeout=True)


def row_json(values: Mapping[str, str | Field], tables: str = "") -> str:
    """A JSON object of these values, by name, in order."""
    texts = {
        name: value.sql if isinstance(value, Field) else value for name, value in values.items()
    }
    columns = ", ".join(f'{sql} AS "{name}"' for name, sql in texts.items())
    return f"(SELECT row_to_json(j) FROM (SELECT {columns} {tables}) j)"


def moments(alias: str) -> dict[str, Field]:
    """When a row was made and changed."""
    return {
        name: Field(
            f"iso({alias}.{column})",
            FieldType.MOMENT,
            f"{alias}.{column}",
            f"{alias}.{column}",
            "timestamptz",
        )
        for name, column in (("createdAt", "created_at"), ("updatedAt", "updated_at"))
    }


def searched(noun: str, alias: str) -> dict[str, CustomFilter]:
    """The filter `q`: rows that have each word, as search finds it (migration 0010)."""
    asked = "sought(:tenant, {0}::text)"
    candidates = f"{noun}_few_matching(:tenant, {{}}::text, {MAX_WORD_CANDIDATES})"
    words = "Those that have each of these words, as search finds them: beginnings, typing errors"
    bits = "bits_of(spaced(typed_words({0}::text)))"
    # The index of the list knows the bits; only a row that has all of them is read. (CASE: of what
    # is compared the planner would think that few rows have it, and sort them all.)
    condition = f"""CASE WHEN NOT (SELECT all_known(:tenant, {{0}}::text)) THEN (
            SELECT are_meant(:tenant, w.words, (SELECT s.needs FROM {asked} s), (SELECT s.beyond FROM {asked} s))
            FROM {noun} w WHERE w.tenant_id = :tenant AND w.id = {alias}.id)
        WHEN {alias}.word_bits & {bits} = {bits} THEN (
            SELECT w.words LIKE ALL (needs_of({{0}}::text)) FROM {noun} w
            WHERE w.tenant_id = :tenant AND w.id = {alias}.id)
        ELSE false END"""
    return {"q": CustomFilter(condition, FieldType.TEXT, words, candidates)}


def expanded_organization(alias: str) -> str:
    """The organization of a row, for `expand`."""
    return f"""(SELECT row_to_json(q) FROM (SELECT o.id, o.name, o.type, o.status FROM organizations o
        WHERE o.tenant_id = :tenant AND o.id = {alias}.organization_id AND o.deleted_by IS NULL
            AND @visible_organizations) q)"""


def _beginning(shape: PageShape) -> str:
    """The part of the found ids that a first page shows: they ascend."""
    if not shape.is_first:
        return ""
    return "[cardinality(ids) - :chunk::int :]" if shape.sort[0][1] else "[: :chunk::int + 1]"


def _behind(keys: list[tuple[str, str, bool]], is_backward: bool) -> str:
    """The rows behind :k0, :k1 …: one comparison of rows where all go one way, which an index takes
    as it is.
    """
    given = [
        f":k{n}::text" + ("" if cast == "text" else f"::{cast}")
        for n, (_, cast, _) in enumerate(keys)
    ]
    signs = ["<" if descending != is_backward else ">" for _, _, descending in keys]
    if len(set(signs)) == 1:
        return f"({', '.join(sql for sql, _, _ in keys)}) {signs[0]} ({', '.join(given)})"
    either = []
    for n, sign in enumerate(signs):
        equal = [f"{keys[i][0]} = {given[i]}" for i in range(n)]
        either.append(" AND ".join([*equal, f"{keys[n][0]} {sign} {given[n]}"]))
    return "(" + " OR ".join(f"({part})" for part in either) + ")"
