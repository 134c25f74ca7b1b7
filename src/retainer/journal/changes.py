"""The change feed: the records changed since a position, of those that one viewer sees. It names
records and never contains their values.

Operations commit in another order than they are numbered, so the last number seen cannot be the
position: a smaller number may appear later. A position names transactions instead. An operation of
a transaction that had not ended at the last poll is reported as new, some of them twice; none is
left out.
"""

import re
from bisect import insort
from typing import Any

import msgspec
from asyncpg import Record

from retainer.database.database import Database, Db
from retainer.database.statement import Statement
from retainer.errors import invalid
from retainer.journal.entities import LINKS
from retainer.journal.store import BEFORE
from retainer.journal.visibility import VISIBLE
from retainer.lists.noun import Link, Noun
from retainer.nouns import NOUNS

CHANNEL = "retainer_changes"
ALL = "*"
MAX_RECORDS = 200  # named in one answer; beyond that it says that anything may have changed
MAX_NAMES = 2000  # of one poll, before duplicates are removed
MAX_OPERATIONS = 1000  # of one poll
MAX_LOOKBACK = 20_000  # numbers of operations that a poll goes back
FIRST_LOOKBACK = 2_000  # numbers before the first position, of transactions still in progress
OVERLAP = 200  # numbers; an operation is numbered a moment before its transaction is
MAX_TENANTS = 500  # in one notification, which PostgreSQL limits to 8,000 bytes

_POSITION = re.compile(r"\d{1,18}(-\d{1,18}){3}", re.ASCII)
_ANNOUNCE = "SELECT pg_notify($1, said) FROM unnest($2::text[]) said"

# By the transaction that an operation notes: its row is written anew when it gets its position.
_POLL = Statement("""
    WITH here AS MATERIALIZED (
        SELECT pg_snapshot_xmin(s)::text::bigint AS oldest,
            pg_snapshot_xmax(s)::text::bigint AS until,
            (SELECT coalesce(max(op.id), 0) FROM operations op
                WHERE op.tenant_id = :tenant) AS last
        FROM pg_current_snapshot() s)
    SELECT here.oldest, here.until, here.last, ARRAY(
        SELECT op.id FROM operations op
        WHERE op.tenant_id = :tenant
            AND op.id > greatest(:floor::bigint, here.last - :farthest::bigint)
            AND op.xid::text::bigint >= :oldest::bigint
            AND op.id <> ALL(:seen::bigint[])
        ORDER BY op.id DESC LIMIT :most::bigint) AS operations
    FROM here""")

# A change of a followed link is named by the records that it joins, any other by its own record.
_FOLLOWED = [(noun, link) for noun, link in LINKS if link.refreshes_pages]
_NAMELESS = [noun.table for noun in NOUNS.values() if noun.subject_column]
_NAMELESS += [link.table for _, link in _FOLLOWED]
_NAMED_BY_LINK = " ".join(
    f"WHEN n.entity = '{link.table}' THEN '{noun.table}'" for noun, link in _FOLLOWED
)


def _also_named(noun: Noun, column: str) -> str:
    """The SELECT of the records that show a noun, and so change with it."""
    a = noun.alias
    return f"""
        UNION SELECT s.operation_id, s.entity, '{noun.references[column]}', {a}.{column}
        FROM seen s
            JOIN {noun.table} {a} ON {a}.tenant_id = :tenant AND {a}.id = s.entity_id
            WHERE s.entity = '{noun.table}'"""


def _named_by_link(noun: Noun, link: Link) -> str:
    ends = [f"('{noun.table}', l.{link.own_column})"]
    if link.other_column:
        ends.append(f"('{link.other_noun}', l.{link.other_column})")
    return f"""
        UNION SELECT s.operation_id, s.entity, n.noun, n.id FROM seen s
            JOIN {link.table} l ON l.tenant_id = :tenant AND l.id = s.entity_id
            CROSS JOIN LATERAL (VALUES {", ".join(ends)}) n (noun, id)
            WHERE s.entity = '{link.table}'"""


def _shown(noun: Noun) -> str:
    return f"""SELECT '{noun.table}' AS noun, {noun.alias}.id FROM {noun.table} {noun.alias}
            WHERE {noun.alias}.tenant_id = :tenant
            AND {noun.alias}.id = ANY(ARRAY(SELECT n.id FROM named n WHERE n.noun = '{noun.table}'))
            AND @visible_{noun.table}"""


_SHOWING = [(noun, column) for noun in NOUNS.values() for column in noun.shows]
# The nouns named for a change of another record, whose visibility has to be checked as well.
_SHOWN = ["organizations", *dict.fromkeys(noun.references[column] for noun, column in _SHOWING)]

# A change names its record and the records that show it: the organization, the project of a task,
# the contact of a membership. A viewer gets the names of records that they see, for changes that
# they see. A change of the viewer's own membership names everything ('*'), because it changes what
# they see. The few changes are read first, and visibility is checked for these alone.
_VISIBLE = Statement(
    f"""
    WITH candidates AS MATERIALIZED (
        SELECT c.operation_id, c.entity, c.entity_id, c.organization_before, c.organization_after
        FROM changes c WHERE c.tenant_id = :tenant AND c.operation_id = ANY(:operations::bigint[])),
    seen AS MATERIALIZED (
        SELECT c.* FROM candidates c WHERE c.entity <> 'links' AND (@visible_candidates)),
    named AS (
        SELECT s.operation_id, s.entity, s.entity AS noun, s.entity_id AS id FROM seen s
        WHERE s.entity <> ALL('{{{", ".join(_NAMELESS)}}}'::text[])
        UNION SELECT s.operation_id, s.entity, 'organizations', s.organization_before FROM seen s
        UNION SELECT s.operation_id, s.entity, 'organizations', s.organization_after FROM seen s
        {"".join(_also_named(noun, column) for noun, column in _SHOWING)}
        {"".join(_named_by_link(noun, link) for noun, link in _FOLLOWED)}
        UNION SELECT c.operation_id, c.entity, '*', 0 FROM candidates c
            JOIN members m ON m.tenant_id = :tenant AND m.id = c.entity_id
            WHERE c.entity = 'members' AND m.contact_id = :contact
                AND :viewer_role::text IN ('staff', 'guest')),
    shown AS ({" UNION ALL ".join(_shown(NOUNS[table]) for table in _SHOWN)})
    SELECT n.operation_id, op.request_id, op.actor_id, n.noun, n.id,
        CASE {_NAMED_BY_LINK} ELSE n.entity END AS entity
    FROM named n JOIN operations op ON op.tenant_id = :tenant AND op.id = n.operation_id
    WHERE (n.noun, n.id) IN (SELECT shown.noun, shown.id FROM shown)
        OR (n.noun <> ALL('{{{", ".join(_SHOWN)}}}'::text[]) AND n.id IS NOT NULL)
    ORDER BY n.operation_id LIMIT :most::bigint""",
    visible=VISIBLE,
)


_HAS_VIEWS = Statement("""
    SELECT EXISTS (
        SELECT FROM changes c WHERE c.tenant_id = :tenant
            AND c.operation_id = ANY(:operations::bigint[]) AND c.entity = 'views')""")


class Position(msgspec.Struct, frozen=True):
    """A point in time, in transactions: `oldest` was the first that had not ended.

    Operations up to the number `floor` were all there or will never be; so are those up to `next`
    once all transactions before `until` have ended.
    """

    floor: int
    next: int
    until: int
    oldest: int

    def __str__(self) -> str:
        return f"{self.floor}-{self.next}-{self.until}-{self.oldest}"


def parse_position(text: str) -> Position:
    """A position as a client sends it back. Raises Invalid."""
    if not _POSITION.fullmatch(text):
        raise invalid(
            "after", "must be a mark as an answer gave it; leave it out to get the present one"
        )
    return Position(*map(int, text.split("-")))


class Poll(msgspec.Struct, frozen=True):
    """The result of a poll: the position for the next one, the new operations, and whether there
    may be more.
    """

    position: Position
    operations: list[int]
    is_partial: bool


class VisibleOperation(msgspec.Struct, rename="camel"):
    """One operation: the request that made it (X-Request-Id), who, and the records that it
    changed.
    """

    id: int
    request_id: str | None
    actor_id: int | None
    records: list[str]


class ChangeSet(msgspec.Struct, rename="camel"):
    """An answer of the feed: names such as `tasks/7`, and the nouns whose lists changed. `*` alone:
    anything may have changed. `mark` is the position.
    """

    mark: str
    records: list[str]
    nouns: list[str]
    operations: list[VisibleOperation]


class ChangeBuffer:
    """Changes that wait to be sent. Of more than MAX_RECORDS it keeps only that there were some."""

    __slots__ = ("is_all", "nouns", "operations", "records")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.records: dict[str, None] = {}
        self.nouns: dict[str, None] = {}
        self.operations: dict[int, VisibleOperation] = {}
        self.is_all = False

    def __bool__(self) -> bool:
        return self.is_all or bool(self.records)

    def add(self, rows: list[Record]) -> None:
        """Add names as `visible_changes` returns them."""
        if len(rows) >= MAX_NAMES:
            self.overflow()
        if self.is_all:
            return
        for row in rows:
            if row["noun"] == ALL:
                self.overflow()
                return
            self._name(row)
        self._bound()

    def merge(self, other: "ChangeBuffer") -> None:
        """Add the changes of another buffer."""
        if other.is_all:
            self.overflow()
        elif not self.is_all:
            self.records |= other.records
            self.nouns |= other.nouns
            self.operations |= other.operations
            self._bound()

    def overflow(self) -> None:
        """Forget the names: anything may have changed."""
        self.clear()
        self.is_all = True

    def _bound(self) -> None:
        if len(self.records) > MAX_RECORDS or len(self.operations) > MAX_RECORDS:
            self.overflow()

    def _name(self, row: Record) -> None:
        record = f"{row['noun']}/{row['id']}"
        made = self.operations.setdefault(
            row["operation_id"],
            VisibleOperation(row["operation_id"], row["request_id"], row["actor_id"], []),
        )
        if record not in made.records:
            insort(made.records, record)
        self.records[record] = self.nouns[row["entity"]] = None

    def change_set(self, at: Position, *, with_operations: bool) -> ChangeSet:
        """The changes as they are sent."""
        if self.is_all:
            return ChangeSet(str(at), [ALL], [ALL], [])
        operations: list[VisibleOperation] = []
        if with_operations:
            operations = [made for _, made in sorted(self.operations.items())]
        return ChangeSet(str(at), sorted(self.records), sorted(self.nouns), operations)


async def poll(db: Db, after: Position | None, seen: list[int] | None = None) -> Poll:
    """The operations of the tenant that may have been committed since a position, without those in
    `seen`; none without a position.
    """
    floor, oldest = 2**53, 0
    if after is not None:
        floor, oldest = after.floor, after.oldest
    row = await db.row(
        _POLL,
        floor=floor,
        oldest=oldest,
        seen=seen or [],
        farthest=MAX_LOOKBACK,
        most=MAX_OPERATIONS + 1,
    )
    assert row is not None
    if after is None or after.until > row["until"] or after.next > row["last"]:
        # The first poll, or the position comes from another database: a backup was restored.
        return Poll(_following(None, row), [], after is not None)
    is_partial = len(row["operations"]) > MAX_OPERATIONS or row["last"] - after.floor > MAX_LOOKBACK
    return Poll(_following(after, row), row["operations"], is_partial)


def _following(after: Position | None, row: Record) -> Position:
    """The position after a poll."""
    oldest, until, last = row["oldest"], row["until"], row["last"]
    if after is None:
        return Position(max(0, last - FIRST_LOOKBACK), last, until, oldest)
    if oldest < after.until:
        return Position(max(after.floor, last - MAX_LOOKBACK), after.next, after.until, oldest)
    return Position(max(after.floor, after.next - OVERLAP), last, until, oldest)


async def visible_changes(db: Db, operations: list[int]) -> list[Record]:
    """The names of the records that operations changed, of those that the viewer sees."""
    return await db.rows(_VISIBLE, operations=operations, most=MAX_NAMES)


async def has_views(db: Db, operations: list[int]) -> bool:
    """True where one of the operations changed saved views, some of which are private."""
    return bool(await db.value(_HAS_VIEWS, operations=operations))


async def since(db: Db, after: Position | None) -> tuple[Position, ChangeBuffer]:
    """The position for the next poll, and the changes since a position that the viewer sees."""
    found, buffer = await poll(db, after), ChangeBuffer()
    if found.is_partial:
        buffer.overflow()
    elif found.operations:
        buffer.add(await visible_changes(db, found.operations))
    return found.position, buffer


async def announce(database: Database, sender: str, tenants: list[int]) -> None:
    """Notify all processes, by one statement, of the tenants whose records have changed."""
    parts = [tenants[start : start + MAX_TENANTS] for start in range(0, len(tenants), MAX_TENANTS)]
    said = [f"{sender} {','.join(map(str, part))}" for part in parts]
    await database.plain(_ANNOUNCE, CHANNEL, said)


_SINCE = """c.tenant_id = :tenant AND c.entity = :entity AND c.entity_id = :id
        AND c.version > :version"""
_LAST = Statement(f"""
    SELECT iso(op.at) AS at, coalesce((SELECT u.full_name FROM users u
        WHERE u.tenant_id = :tenant AND u.id = op.actor_id), 'Retainer') AS name
    FROM changes c JOIN operations op ON op.tenant_id = :tenant AND op.id = c.operation_id
    WHERE {_SINCE}
    ORDER BY c.version DESC LIMIT 1
""")
_EACH = Statement(f"SELECT {BEFORE} AS fields FROM changes c WHERE {_SINCE} ORDER BY c.version")


async def last_change(db: Db, entity: str, id: int, version: int) -> dict[str, str] | None:
    """The last change of a record since a version, as the name of its author and its time (name,
    at); None without one.
    """
    row = await db.row(_LAST, entity=entity, id=id, version=version)
    if row is None:
        return None
    return dict(row)


async def values_before(db: Db, entity: str, id: int, version: int) -> dict[str, Any]:
    """The values that the version had in fields changed since, to compare: some are not for all."""
    found: dict[str, Any] = {}
    for row in await db.rows(_EACH, entity=entity, id=id, version=version):
        for field in msgspec.json.decode(row["fields"]):
            found.setdefault(field["field"], field["before"])
    return found
