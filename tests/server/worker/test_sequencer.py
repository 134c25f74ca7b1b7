"""Positions of operations: dense, in the order of commits, and never given twice."""

import asyncio
import re
from contextlib import suppress

import asyncpg
import pytest

from retainer.database.pool import Connection, connect
from retainer.server.worker.sequencer import _GIVE, EPOCH, Sequencer
from retainer.server.worker.worker import _SETTINGS
from support.sql import Sql
from support.writers import INSERT, TOUCH, add, begin, misplaced, write


async def beginning(connection: Connection) -> Sequencer:
    sequencer = Sequencer(connection)
    await sequencer.begin()
    return sequencer


async def positions(connection: Connection, tenant: int) -> list[tuple[int, int | None]]:
    """The number and the position of each operation, in the order of their numbers."""
    rows = await connection.fetch(
        "SELECT id, position FROM operations WHERE tenant_id = $1 ORDER BY id", tenant
    )
    first = rows[0]["id"]
    return [(row["id"] - first, row["position"]) for row in rows]


def test_an_operation_that_commits_later_comes_later_whatever_its_number(
    owner: Sql, url: str, tenant: int
) -> None:
    async def given() -> list[list[tuple[int, int | None]]]:
        sequencer, slow = await beginning(owner.connection), await connect(url)
        open = await begin(slow, tenant)
        await slow.fetchval(INSERT, tenant, "slow")
        await add(owner.connection, tenant, "quick")
        assert await sequencer.give(tenant) == 1
        await open.commit()
        before = await positions(owner.connection, tenant)
        assert await sequencer.give(tenant) == 1
        assert await sequencer.give(tenant) == 0
        await slow.close()
        return [before, await positions(owner.connection, tenant)]

    assert owner.run(given()) == [[(0, None), (1, 1)], [(0, 2), (1, 1)]]


def test_versions_of_a_record_keep_their_order_where_numbers_have_another(
    owner: Sql, url: str, tenant: int
) -> None:
    async def given() -> tuple[list[int | None], int]:
        sequencer, second = await beginning(owner.connection), await connect(url)
        one = await add(owner.connection, tenant, "one")
        two = await add(owner.connection, tenant, "two")
        later = await begin(second, tenant)
        await second.execute(TOUCH, tenant, one, "has the smaller number")
        first = await begin(owner.connection, tenant)
        await owner.connection.execute(TOUCH, tenant, two, "version 2")
        await first.commit()
        await second.execute(TOUCH, tenant, two, "version 3")
        await later.commit()
        assert await sequencer.give(tenant) == 4
        await second.close()
        return await misplaced(owner.connection, tenant)

    assert owner.run(given()) == ([1, 2, 3, 4], 0)


def test_tenants_count_for_themselves(owner: Sql, tenant: int) -> None:
    async def given() -> list[list[int | None]]:
        sequencer = await beginning(owner.connection)
        other = await owner.connection.fetchval(
            "INSERT INTO tenants (name, time_zone) VALUES ('O', 'UTC') RETURNING id"
        )
        for each in (tenant, other, tenant):
            await add(owner.connection, each, "one")
        assert await sequencer.give(tenant) == 2
        assert await sequencer.give(other) == 1
        return [(await misplaced(owner.connection, each))[0] for each in (tenant, other)]

    assert owner.run(given()) == [[1, 2], [1]]


@pytest.mark.parametrize("state", ["known", "off", "older than the column"])
def test_an_order_is_found_whatever_is_known_of_the_commits(
    owner: Sql, tenant: int, state: str
) -> None:
    async def given() -> list[tuple[int, int | None]]:
        sequencer = await beginning(owner.connection)
        assert sequencer.knows_commit_times
        sequencer.knows_commit_times = state != "off"
        for name in ("a", "b", "c"):
            await add(owner.connection, tenant, name)
        if state == "older than the column":
            await owner.connection.execute(
                "UPDATE operations SET xid = NULL WHERE tenant_id = $1", tenant
            )
        assert await sequencer.give(tenant) == 3
        return await positions(owner.connection, tenant)

    assert owner.run(given()) == [(0, 1), (1, 2), (2, 3)]


def test_operations_older_than_the_column_come_first(owner: Sql, tenant: int) -> None:
    async def given() -> list[tuple[int, int | None]]:
        sequencer = await beginning(owner.connection)
        for name in ("new", "old", "older still"):
            await add(owner.connection, tenant, name)
        await owner.connection.execute(
            """UPDATE operations SET xid = NULL WHERE tenant_id = $1 AND id > (
                SELECT min(id) FROM operations WHERE tenant_id = $1)""",
            tenant,
        )
        await sequencer.give(tenant)
        return await positions(owner.connection, tenant)

    assert owner.run(given()) == [(0, 3), (1, 1), (2, 2)]


def test_eight_writers_and_a_sequencer_that_is_killed_leave_no_gap_and_no_disorder(
    owner: Sql, url: str, tenant: int
) -> None:
    async def kept(done: asyncio.Event) -> int:
        """Give positions until everything is written and placed, on connections that are killed."""
        kills = 0
        while True:
            connection = await connect(url)
            with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                sequencer = await beginning(connection)
                for _ in range(5):
                    was_done = done.is_set()
                    if not await sequencer.give(tenant) and was_done:
                        await connection.close()
                        return kills
                    await asyncio.sleep(0.005)
                giving = asyncio.ensure_future(sequencer.give(tenant))
                await asyncio.sleep(0)
                kills += 1
                await owner.connection.execute(
                    "SELECT pg_terminate_backend($1)", connection.get_server_pid()
                )
                await giving
            connection.terminate()

    async def run() -> tuple[int, int, tuple[list[int | None], int]]:
        writing = await connect(url)
        ids = [await add(writing, tenant, f"Hot {number}") for number in range(3)]
        done = asyncio.Event()
        keeping = asyncio.ensure_future(kept(done))
        await asyncio.gather(*(write(url, tenant, ids, seed, 40) for seed in range(8)))
        done.set()
        kills = await keeping
        by_number = await writing.fetchval(
            """SELECT count(*) FROM (SELECT position < lag(position) OVER (ORDER BY id) AS later
               FROM operations WHERE tenant_id = $1) o WHERE later""",
            tenant,
        )
        found = await misplaced(writing, tenant)
        await writing.close()
        return kills, by_number, found

    kills, by_number, (given, wrong) = owner.run(run())
    assert kills >= 2
    assert by_number > 0, "the order of numbers was another, or this tried nothing"
    assert given == list(range(1, len(given) + 1))
    assert len(given) > 250
    assert wrong == 0


def test_a_restored_database_gives_no_position_that_its_original_may_have_given(
    owner: Sql, url: str, tenant: int
) -> None:
    name = url.partition("@/")[2].partition("?")[0]
    copied = url.replace(f"@/{name}", f"@/{name}_copy")

    async def first() -> None:
        sequencer = await beginning(owner.connection)
        for each in ("a", "b"):
            await add(owner.connection, tenant, each)
        await sequencer.give(tenant)
        await add(owner.connection, tenant, "in the backup, without a position")

    async def after() -> tuple[list[int | None], list[object]]:
        connection = await connect(copied)
        sequencer = await beginning(connection)
        await add(connection, tenant, "since the restore")
        await sequencer.give(tenant)
        await beginning(connection)  # the same database: no further epoch
        found = [row["position"] for row in await connection.fetch(
            "SELECT position FROM operations WHERE tenant_id = $1 ORDER BY id", tenant)]  # fmt: skip
        epochs = [tuple(row) for row in await connection.fetch("SELECT number, floor FROM epochs ORDER BY number")]  # fmt: skip
        await connection.close()
        return found, epochs

    owner.run(first())
    owner.run(owner.connection.close())  # a template takes no connections
    cluster = Sql(url.replace(f"retainer@/{name}", "postgres@/postgres"))
    cluster.rows(f"CREATE DATABASE {name}_copy TEMPLATE {name} OWNER retainer")
    try:
        found, epochs = asyncio.run(after())
    finally:
        cluster.rows(f"DROP DATABASE {name}_copy WITH (FORCE)")
        cluster.close()
    assert found == [1, 2, 2 * EPOCH + 1, 2 * EPOCH + 2]
    assert epochs == [(1, 0), (2, 2 * EPOCH)]


def test_giving_positions_reads_only_what_has_none(owner: Sql, url: str, tenant: int) -> None:
    """Planned for an empty table, as a new database's worker plans it."""

    async def plan() -> str:
        connection = await connect(url, **_SETTINGS)
        await connection.execute("PREPARE giving (bigint, bigint, boolean) AS " + _GIVE)
        rows = await connection.fetch(f"EXPLAIN EXECUTE giving ({tenant}, 20000, true)")
        await connection.close()
        return "\n".join(row[0] for row in rows)

    found = owner.run(plan())
    indexes = {"operations_without_position", "operations_position", "epochs_pkey"}
    assert set(re.findall(r"using (\w+)", found)) == indexes
    assert "Tid Scan on operations" in found
    assert "Seq Scan" not in found
