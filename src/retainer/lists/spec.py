"""The declaration of a list, one for each noun: its fields, filters, sorts, and expansions.

The API's parameters, the statements of its pages, the OpenAPI document and exports all follow from
it.
"""

import re
from collections.abc import Callable, Mapping
from copy import copy
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NamedTuple

from retainer.database.statement import Statement, Visible
from retainer.lists.page import Key, PageShape, Source, Written, page_statement, row_text
from retainer.permissions import VISIBLE

MAX_EXPANDED = 20  # objects of an expanded array
# Rows that a prefilter may find. They are fetched one by one; with more, the list is read in its
# order and filtered. Search may find more: reading 500,000 rows in order took longer than the 2 s
# that a filtered list may take.
MAX_CANDIDATES, MAX_WORD_CANDIDATES = 4000, 30_000
# Sort keys of rows without a value, which sort last: of a text, of a date, and of a moment.
ABSENT = "U&'\\+10FFFF'"
NEVER = "'infinity'::date"
NO_MOMENT = "'infinity'::timestamptz"
# The same as PostgreSQL writes them in a position.
ABSENT_TEXTS = {ABSENT: "\U0010ffff", NEVER: "infinity", NO_MOMENT: "infinity"}


class FieldType(StrEnum):
    """The type of a field: the form of its values in a parameter, and their comparison."""

    INTEGER = "integer"
    TEXT = "text"  # compared exactly
    FOLDED = "folded"  # a text compared without case and accents
    WORD = "word"  # a member of an enumeration
    BOOLEAN = "boolean"
    DATE = "date"
    MOMENT = "moment"  # a timestamp
    TAGS = "tags"  # an array of folded texts
    JSON = "json"  # an object, filtered by paths into it


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


_SQL_TYPES = {
    FieldType.INTEGER: "bigint",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "date",
    FieldType.MOMENT: "timestamptz",
}

# Types whose values, as PostgreSQL writes them, are JSON between these quotes.
_PLAIN = {FieldType.INTEGER: "", FieldType.WORD: '"', FieldType.MOMENT: '"'}

Words = type[StrEnum]  # the enumeration of a field
Position = tuple[str, ...] | None  # sort keys of the row at which to go on


class Field(NamedTuple):
    """A field of a list's objects.

    `sql` is its value in JSON. A field with a `type` can be filtered by `key`, the indexed column
    (by default `sql`). Where a row has no value, `key` holds `absent`, or null if that is empty and
    the field is `nullable`. A field with `sort` can be sorted by that SQL, which is never null and
    has the SQL type `cast`, by default that of its `type`. `contains` names the function that finds
    the rows whose key contains a text (migration 0008), `prefilter` the one that finds those with
    tags or values in JSON.
    """

    sql: str
    type: FieldType | None = None
    key: str = ""
    sort: str = ""
    cast: str = ""
    values: Words | None = None
    nullable: bool = False
    absent: str = ""
    contains: str = ""
    prefilter: str = ""
    is_ranked: bool = False  # the key is the index of the value in `values`
    is_phone: bool = False  # a telephone number, found by its digits
    told: str = ""  # the fragment that says whether the viewer is told it, where not all are

    @property
    def column(self) -> str:
        """The SQL that filters compare."""
        return self.key or self.sql

    @property
    def sort_type(self) -> str:
        """The SQL type of its sort key."""
        if self.cast or self.type is None:
            return self.cast or "text"
        return _SQL_TYPES.get(self.type, "text")

    def if_told(self, call: str) -> str:
        """The call of a prefilter, or null, which gives it up, where the viewer is not told the
        field: its function knows nothing of viewers.
        """
        if not self.told:
            return call
        return f"(CASE WHEN {self.told} THEN {call} END)"

    @property
    def written(self) -> Written:
        """Its value as JSON: numbers, words and moments need no escapes. json_scalar() looks up the
        type of the others once a statement, to_json() would each time.
        """
        if self.nullable or self.type not in _PLAIN:
            return Written(f"coalesce(json_scalar({self.sql}), 'null')")
        return Written(self.sql, _PLAIN[self.type])

    @property
    def may_sort_null(self) -> bool:
        """True where its sort key is null without a value, so that no page could follow."""
        by_value = self.sort == self.sql or (self.sort == self.column and not self.absent)
        return self.nullable and bool(self.sort) and by_value

    @property
    def operators(self) -> tuple[str, ...]:
        """The operators of its filters; "" is equality."""
        operators: tuple[str, ...] = ()
        if self.type is not None:
            operators = OPERATORS[self.type]
        if self.is_phone:
            operators += ("", "contains")
        elif self.contains:
            operators += ("contains",)
        if self.nullable and "null" not in operators:
            operators += ("null",)
        return operators


class CustomFilter(NamedTuple):
    """A filter that is no field. In `condition` {} stands for the value; a boolean has none, and
    false negates the condition. `prefilter` is the call of a function that finds the rows by an
    index, in which {most} stands for the largest number of them. With `ends_with_day` a day stands
    for the midnight at its end, and not at its beginning. `normalize` gives a text its stored form.
    """

    condition: str
    type: FieldType
    description: str
    prefilter: str = ""
    ends_with_day: bool = False
    normalize: Callable[[str], str] = str


class ListSpec:
    """The list of a noun: FROM, WHERE, its fields, and the sort where none is asked for.

    `order` is that sort: "-id" is the newest first. Rows that are equal in a sort are in this
    order, and then by id, in the direction of the sort's last key, so that pages never depend on
    chance. After a timestamp the id alone decides. `tie_break` comes before the id where rows of
    several nouns may have the same id. A field "id" without a sort is no key.

    `custom_filters` are filters that are no fields, `expand` are the SQL of objects that may be
    asked for in addition; both by name. `visible` has the conditions of @visible fragments.
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
        visible: Visible = VISIBLE,
    ) -> None:
        self.table = table
        self.where = where
        self.fields = dict(fields)
        for name, field in fields.items():
            if field.may_sort_null:
                raise ValueError(
                    f"the list of {self.noun} sorts by {name}, which may be null: "
                    "its key takes the place of null by `absent`"
                )
        self.keyed = dict(fields)  # the fields to sort by
        if "id" not in fields or not fields["id"].sort:
            self.keyed["id"] = Field(id, sort=id, cast="bigint")
        self.tie_break = tie_break
        self.order_text = order
        self.order = (order.removeprefix("-"), order.startswith("-"))
        self.id = id
        self.custom_filters = dict(custom_filters or {})
        self.expand = dict(expand or {})
        self.visible = visible
        self.is_whole = True  # False for the list of one parent
        self.is_download = False  # True where the address names the format
        # Caches of an instance each: one on the method would keep every list alive.
        self.page: Callable[[PageShape], Statement] = lru_cache(maxsize=512)(self._page)
        self.matching: Callable[[str, str], Statement] = lru_cache(maxsize=128)(self._matching)
        self.counting: Callable[[str, bool], Statement] = lru_cache(maxsize=128)(self._counting)
        self.prefiltering: Callable[[str], Statement] = lru_cache(maxsize=128)(self._prefiltering)

    def of_parent(self, condition: str) -> "ListSpec":
        """The same list restricted to the rows of one parent, whose id is :parent."""
        part = ListSpec(
            self.table,
            f"{self.where} {condition}",
            self.fields,
            id=self.id,
            custom_filters=self.custom_filters,
            expand=self.expand,
            order=self.order_text,
            visible=self.visible,
        )
        part.is_whole = False
        return part

    @cached_property
    def download(self) -> "ListSpec":
        """The same list as a file, whose parameter `format` says of which kind."""
        same = copy(self)
        same.is_download = True
        return same

    @property
    def noun(self) -> str:
        """The table's name: organizations."""
        return self.table.split()[0]

    @property
    def sorts(self) -> list[str]:
        """The names of the fields that the list can be sorted by."""
        return [name for name, field in self.fields.items() if field.sort]

    @property
    def is_of_one_table(self) -> bool:
        """True if each row is one of a table, which can be read again by its id."""
        is_joined = re.search(r"^\(|(?<!LEFT) JOIN", self.table) is not None
        return self.id.endswith(".id") and not is_joined

    def keys(self, sort: tuple[tuple[str, bool], ...]) -> list[Key]:
        """The keys of a sort down to the id, after which no two rows are equal."""
        directions = dict(sort)
        last, is_descending = sort[-1]
        if self.keyed[last].type != FieldType.MOMENT:
            directions.setdefault(self.order[0], is_descending)
        directions.setdefault("id", is_descending)
        keys = []
        for name, direction in directions.items():
            if name == "id" and self.tie_break is not None:
                keys.append(Key(self.tie_break.sort, self.tie_break.sort_type, is_descending))
            field = self.keyed[name]
            keys.append(Key(field.sort, field.sort_type, direction, field.absent))
            if name == "id":
                break
        return keys

    def is_behind_values(self, sort: tuple[tuple[str, bool], ...], position: Position) -> bool:
        """True for the position of a row without a value, in a list that is sorted by one."""
        return position is not None and position[0] == ABSENT_TEXTS.get(self.keys(sort)[0].absent)

    def _page(self, shape: PageShape) -> Statement:
        values = {name: self.fields[name].written for name in shape.fields}
        for name in shape.expand:
            values[name] = Written(f"coalesce({self.expand[name]}, 'null')")
        sorts_many = bool(shape.ids or shape.where) or len(shape.sort) > 1
        return page_statement(
            Source(self.table, self.where, self.id, self.visible),
            shape,
            self.keys(shape.sort),
            row_text(values),
            joins_late=self.is_of_one_table and sorts_many and not shape.takes_first_ids,
            is_walked=self.is_of_one_table and self.is_whole and not sorts_many,
        )

    def among(self, ids: str) -> str:
        """The condition that a row's id is in an array. The array is a subquery, so that its
        function is called once, and neither for planning nor for each row.
        """
        return f" AND {self.id} = ANY((SELECT {ids})::bigint[])"

    @cached_property
    def is_short(self) -> Statement:
        """The statement that selects true if the viewer sees at most :most rows."""
        first = f"SELECT FROM {self.table} WHERE {self.where} LIMIT :most + 1"
        return Statement(f"SELECT count(*) <= :most FROM ({first}) first", visible=self.visible)

    def _matching(self, columns: str, where: str) -> Statement:
        """The statement that selects columns, or an aggregate, of all matching rows."""
        return Statement(
            f"SELECT {columns} FROM {self.table} WHERE {self.where} {where}",
            visible=self.visible,
            short_timeout=True,
        )

    def _counting(self, where: str, short_timeout: bool) -> Statement:
        """The statement that counts matching rows, up to :most + 1."""
        first = f"SELECT FROM {self.table} WHERE {self.where} {where} LIMIT :most + 1"
        return Statement(
            f"SELECT count(*) FROM ({first}) first",
            visible=self.visible,
            short_timeout=short_timeout,
        )

    def _prefiltering(self, call: str) -> Statement:
        return Statement(f"SELECT {call}", short_timeout=True)


def row_json(values: Mapping[str, str | Field], tables: str = "") -> str:
    """The SQL of a JSON object with these values by name, in this order."""
    columns = []
    for name, value in values.items():
        sql = value
        if isinstance(value, Field):
            sql = value.sql
        columns.append(f'{sql} AS "{name}"')
    return f"(SELECT row_to_json(j) FROM (SELECT {', '.join(columns)} {tables}) j)"


def moments(alias: str) -> dict[str, Field]:
    """The fields createdAt and updatedAt."""
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


def expanded_organization(alias: str) -> str:
    """The SQL of a row's organization as a JSON object, for `expand`."""
    return f"""(SELECT row_to_json(q) FROM (
        SELECT o.id, o.name, o.type, o.status FROM organizations o
        WHERE o.tenant_id = :tenant AND o.id = {alias}.organization_id AND o.deleted_by IS NULL
            AND @visible_organizations) q)"""
