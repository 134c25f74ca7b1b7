"""The statement of one page of a list.

It always returns one row:

- `chunk`: the JSON of the page's rows as bytes, joined by the separator of the format;
- `count`: how many rows there are, :chunk + 1 if more follow;
- `first`, `last`: the sort keys of the first and the last row, for cursors;
- `matched`: how many ids the prefilter found; null without one, or when it found too many.
"""

from typing import NamedTuple

from retainer.database.statement import Statement, Visible


class PageShape(NamedTuple):
    """A page without its values. Equal shapes share one statement."""

    fields: tuple[str, ...]
    expand: tuple[str, ...]
    sort: tuple[tuple[str, bool], ...]  # names, each with True for descending
    where: str = ""
    ids: str = ""  # the prefilter's call; when that returns null, the page has no rows
    # The ids are all rows of the list, in its order, and the page is the first: it needs no others.
    takes_first_ids: bool = False
    from_position: bool = False  # the page begins after the row with the keys :k0, :k1 …
    is_backward: bool = False
    short_timeout: bool = False
    separator: str = ","


class Source(NamedTuple):
    """The rows of a list: FROM, WHERE, the column of the id, and the conditions of its @visible
    fragments.
    """

    table: str
    where: str
    id: str
    visible: Visible


class Key(NamedTuple):
    """One of the columns that a page is sorted by."""

    sql: str
    cast: str  # its type
    is_descending: bool


def page_statement(
    source: Source, shape: PageShape, keys: list[Key], json: str, *, joins_late: bool
) -> Statement:
    """The statement of a page. With `joins_late` the JSON is written for the page's own rows only,
    by their ids. The many others that are sorted are then read from an index alone, if one has all
    columns that are filtered and sorted by.
    """
    columns = [f"{key.sql} AS k{n}" for n, key in enumerate(keys)]
    row_json = "page.json"
    if joins_late:
        columns.append(f"{source.id} AS id")
        row_json = _json_by_id(source, json)
    else:
        columns.append(f"{json} AS json")
    position = ", ".join(f"k{n}::text" for n in range(len(keys)))
    restrictions = f"{_after(shape, keys)} {_candidates(source, shape)}"
    joined = f"string_agg(json::text, '{shape.separator}'{_read_order(shape)})"
    # All candidates are read and then sorted: OFFSET 0 keeps the planner from walking the list in
    # its order and looking each row up among them.
    return Statement(
        f"""
        {_with_matched(shape)}
        SELECT convert_to({joined} FILTER (WHERE n <= :chunk), 'UTF8')
                AS chunk, count(*), max(place) FILTER (WHERE n = 1) AS first,
            max(place) FILTER (WHERE n = :chunk) AS last,
            {_matched_count(shape)} AS matched
        FROM (
            SELECT row_number() OVER () AS n, ARRAY[{position}] AS place, {row_json} AS json FROM (
            SELECT * FROM (
                SELECT {", ".join(columns)} FROM {source.table}
                WHERE {source.where} {shape.where} {restrictions}
            ) found
            ORDER BY {_order(shape, keys)}
            LIMIT :chunk + 1) page) numbered
        """,
        visible=source.visible,
        short_timeout=shape.short_timeout,
    )


def _json_by_id(source: Source, json: str) -> str:
    alias = source.id.partition(".")[0]
    return (
        f"(SELECT {json} FROM {source.table}"
        f" WHERE {alias}.tenant_id = :tenant AND {source.id} = page.id)"
    )


def _read_order(shape: PageShape) -> str:
    """The order in which rows are joined: rows that were read backward are turned round."""
    if shape.is_backward:
        return " ORDER BY n DESC"
    return ""


def _with_matched(shape: PageShape) -> str:
    if not shape.ids:
        return ""
    return f"WITH matched AS MATERIALIZED (SELECT {shape.ids} AS ids)"


def _matched_count(shape: PageShape) -> str:
    if not shape.ids:
        return "NULL::int"
    return "(SELECT cardinality(ids) FROM matched)"


def _candidates(source: Source, shape: PageShape) -> str:
    if not shape.ids:
        return ""
    ids = f"(SELECT ids{_first_ids(shape)} FROM matched)::bigint[]"
    return f"AND {source.id} = ANY({ids}) OFFSET 0"


def _first_ids(shape: PageShape) -> str:
    """The part of the ids that the first page needs. Ids ascend, so for a descending list it is
    their end.
    """
    if not shape.takes_first_ids:
        return ""
    _, is_descending = shape.sort[0]
    if is_descending:
        return "[cardinality(ids) - :chunk::int :]"
    return "[: :chunk::int + 1]"


def _order(shape: PageShape, keys: list[Key]) -> str:
    directions = {True: "DESC", False: "ASC"}
    return ", ".join(
        f"k{n} {directions[key.is_descending != shape.is_backward]}" for n, key in enumerate(keys)
    )


def _after(shape: PageShape, keys: list[Key]) -> str:
    """The condition of the rows after the position. If all keys go in one direction, it is one
    comparison of rows, by which an index can be entered.
    """
    if not shape.from_position:
        return ""
    values = [_position_value(n, key) for n, key in enumerate(keys)]
    comparisons = {True: "<", False: ">"}
    signs = [comparisons[key.is_descending != shape.is_backward] for key in keys]
    if len(set(signs)) == 1:
        columns = ", ".join(key.sql for key in keys)
        return f"AND ({columns}) {signs[0]} ({', '.join(values)})"
    alternatives = []
    for n, sign in enumerate(signs):
        equal = [f"{keys[i].sql} = {values[i]}" for i in range(n)]
        conditions = [*equal, f"{keys[n].sql} {sign} {values[n]}"]
        alternatives.append(f"({' AND '.join(conditions)})")
    return f"AND ({' OR '.join(alternatives)})"


def _position_value(n: int, key: Key) -> str:
    if key.cast == "text":
        return f":k{n}::text"
    return f":k{n}::text::{key.cast}"
