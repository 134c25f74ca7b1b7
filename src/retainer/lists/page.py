"""The statement of one page of a list.

It always returns one row:

- `lines`: the JSON of its rows as bytes, one a line, in the order of the list;
- `found`: how many rows these are, :chunk + 1 if more follow: one that is not the page's;
- `first`, `last`: the sort keys of the page's first and last row, for cursors;
- `matched`: how many ids the prefilter found; null without one, or when it found too many.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from retainer.database.statement import Statement, Visible

# Before the pages of a stream of a list that people composed, whose transaction has no short
# timeout: each is planned for its values.
PLAN_EACH_TIME = Statement("""
    SELECT set_config('plan_cache_mode', 'force_custom_plan', true),
        set_config('enable_seqscan', 'on', true)
""")


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
    is_behind_values: bool = False  # that row has no value to sort by
    is_backward: bool = False
    short_timeout: bool = False


class Page(NamedTuple):
    """A page as it was read. `lines` is None where it is empty, and has its own rows only; `found`
    is larger by one than their number if more follow.
    """

    lines: bytes | None
    found: int
    first: tuple[str, ...]
    last: tuple[str, ...]
    matched: int | None


def page_of(row: Mapping[str, Any], chunk: int, *, is_backward: bool) -> Page:
    """The page that its statement returned, without the row that only tells that more follow."""
    lines, found = row["lines"], row["found"]
    if found > chunk and is_backward:
        lines = lines[lines.index(b"\n") + 1 :]
    elif found > chunk:
        lines = lines[: lines.rindex(b"\n")]
    return Page(lines, found, row["first"], row["last"], row["matched"])


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
    absent: str = ""  # SQL of its value in rows without one; it is the largest

    @property
    def is_turned(self) -> bool:
        """True where rows without a value would come first, if nothing put them last."""
        return self.is_descending and bool(self.absent)


class Written(NamedTuple):
    """The SQL of a value of which concat() writes its JSON, and the quotes around it."""

    sql: str
    quote: str = ""


def row_text(values: Mapping[str, Written]) -> str:
    """The SQL of a JSON object with these values by name, in this order, as text on one line. It is
    the same as row_to_json() makes, which looks up the type of every value of every row.
    """
    parts, before = [], "{"
    for name, value in values.items():
        parts += [f"""'{before}"{name}":{value.quote}'""", value.sql]
        before = f"{value.quote},"
    return f"concat({', '.join(parts)}, '{before[:-1]}}}')"


def page_statement(
    source: Source,
    shape: PageShape,
    keys: list[Key],
    json: str,
    *,
    joins_late: bool,
    is_walked: bool,
) -> Statement:
    """The statement of a page. With `joins_late` the JSON is written for the page's own rows only,
    by their ids. The many others that are sorted are then read from an index alone, if one has all
    columns that are filtered and sorted by. With `is_walked` an index gives the rows in order.
    """
    columns = [f"{key.sql} AS k{n}" for n, key in enumerate(keys)]
    row_json = "page.json"
    if joins_late:
        columns.append(f"{source.id} AS id")
        row_json = _json_by_id(source, json)
    else:
        if not is_walked:  # a subquery is dear enough for PostgreSQL to sort first
            json = f"(SELECT {json})"
        columns.append(f"{json} AS json")
    parts, page = _page(source, shape, keys, ", ".join(columns))
    first, last = "1", "least(count(*), :chunk)"
    if shape.is_backward:
        order = _order(shape._replace(is_backward=False), keys)
        page = f"SELECT * FROM ({page}) page ORDER BY {order}"
        first, last = "greatest(count(*) - :chunk, 0) + 1", "count(*)"
    return Statement(
        f"""
        {_with([*_matched(shape), *parts])}
        SELECT convert_to(string_agg({row_json}, E'\\n'), 'UTF8') AS lines, count(*) AS found,
            {_keys_of(first, keys)} AS first, {_keys_of(last, keys)} AS last,
            {_matched_count(shape)} AS matched
        FROM ({page}) page
        """,
        visible=source.visible,
        short_timeout=shape.short_timeout,
    )


def _keys_of(place: str, keys: list[Key]) -> str:
    """The sort keys of the row at this place of the page, as texts."""
    return f"ARRAY[{', '.join(f'(array_agg(k{n}))[{place}]::text' for n in range(len(keys)))}]"


def _page(source: Source, shape: PageShape, keys: list[Key], columns: str) -> tuple[list[str], str]:
    """The SELECT of the page's rows in the order of reading, and the common table expressions that
    it needs.

    An index that is read backward begins with the rows without a value, which come last all the
    same. So two ranges of it are read, one after the other, the second only as far as the first
    has left room. Candidates are sorted in any case, and so are rows by several keys.
    """
    order = _order(shape, keys)
    rows = f"SELECT {columns} FROM {source.table} WHERE {source.where} {shape.where}"
    if not keys[0].is_turned or shape.ids or len(shape.sort) > 1:
        # All candidates are read and then sorted: OFFSET 0 keeps the planner from walking the list
        # in its order and looking each row up among them.
        found = f"{rows} {_after(shape, keys)} {_candidates(source, shape)}"
        return [], f"SELECT * FROM ({found}) found ORDER BY {order} LIMIT :chunk + 1"
    in_range = [keys[0]._replace(absent=""), *keys[1:]]
    ranges = [
        f"{rows} AND {keys[0].sql} < {keys[0].absent}",
        f"{rows} AND {keys[0].sql} = {keys[0].absent}",
    ]
    if shape.is_backward:
        ranges.reverse()
    if shape.from_position and shape.is_behind_values != shape.is_backward:
        ranges.pop(0)  # read before this page
    ranges[0] += f" {_after(shape, in_range)}"
    room = [":chunk + 1", ":chunk + 1 - (SELECT count(*) FROM range0)"]
    parts = [
        f"range{n} AS MATERIALIZED ({rows} ORDER BY {_order(shape, in_range)} LIMIT {room[n]})"
        for n, rows in enumerate(ranges)
    ]
    together = " UNION ALL ".join(f"SELECT * FROM range{n}" for n in range(len(ranges)))
    return parts, f"SELECT * FROM ({together}) found ORDER BY {order}"


def _json_by_id(source: Source, json: str) -> str:
    alias = source.id.partition(".")[0]
    return (
        f"(SELECT {json} FROM {source.table}"
        f" WHERE {alias}.tenant_id = :tenant AND {source.id} = page.id)"
    )


def _with(parts: list[str]) -> str:
    if not parts:
        return ""
    return f"WITH {', '.join(parts)}"


def _matched(shape: PageShape) -> list[str]:
    if not shape.ids:
        return []
    return [f"matched AS MATERIALIZED (SELECT {shape.ids} AS ids)"]


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
    """The keys of ORDER BY, by the names of their columns."""
    directions = {True: "DESC", False: "ASC"}
    order = []
    for n, key in enumerate(keys):
        if key.is_turned:
            order.append(f"k{n} = {key.absent} {directions[shape.is_backward]}")
        order.append(f"k{n} {directions[key.is_descending != shape.is_backward]}")
    return ", ".join(order)


def _after(shape: PageShape, keys: list[Key]) -> str:
    """The condition of the rows after the position. If all keys go in one direction, it is one
    comparison of rows, by which an index can be entered.
    """
    if not shape.from_position:
        return ""
    values = [_position_value(n, key) for n, key in enumerate(keys)]
    directions = {key.is_descending for key in keys}
    if len(directions) == 1 and not any(key.is_turned for key in keys):
        columns = ", ".join(key.sql for key in keys)
        return f"AND ({columns}) {_sign(shape, keys[0])} ({', '.join(values)})"
    alternatives = []
    for n, key in enumerate(keys):
        equal = [f"{keys[i].sql} = {values[i]}" for i in range(n)]
        conditions = [*equal, _behind(shape, key, values[n])]
        alternatives.append(f"({' AND '.join(conditions)})")
    return f"AND ({' OR '.join(alternatives)})"


def _behind(shape: PageShape, key: Key, value: str) -> str:
    """The condition that a row comes after the position by one key. Where the key is turned, the
    rows without a value come after all others.
    """
    condition = f"{key.sql} {_sign(shape, key)} {value}"
    if not key.is_turned:
        return condition
    if shape.is_backward:
        return f"{key.sql} < {key.absent} AND ({condition} OR {value} = {key.absent})"
    return f"{value} < {key.absent} AND ({condition} OR {key.sql} = {key.absent})"


def _sign(shape: PageShape, key: Key) -> str:
    if key.is_descending != shape.is_backward:
        return "<"
    return ">"


def _position_value(n: int, key: Key) -> str:
    if key.cast == "text":
        return f":k{n}::text"
    return f":k{n}::text::{key.cast}"
