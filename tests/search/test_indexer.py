"""Words are counted once each, operation by operation, in every tenant."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from retainer.database import migrate as migrating
from retainer.database.pool import connect
from retainer.records.documents.storage import Storage
from retainer.search import indexer
from retainer.search.indexer import Indexer
from retainer.server.worker.sequencer import Sequencer
from support.sql import Sql
from support.writers import add

BEFORE_LOOPS = 35  # the last migration before words were counted by positions


@pytest.fixture
def owner(own_database: str) -> Iterator[Sql]:
    """A database as the program before left it, with two tenants."""
    everything = migrating.available()
    with pytest.MonkeyPatch.context() as before:
        before.setattr(migrating, "available", lambda: everything[:BEFORE_LOOPS])
        asyncio.run(migrating.migrate(own_database))
    sql = Sql(own_database)
    sql.rows("INSERT INTO tenants (name) VALUES ('One'), ('Two')")
    yield sql
    sql.close()


def test_words_counted_before_the_upgrade_are_not_counted_again(
    owner: Sql, own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Counted", "Counted too"):
        owner.run(add(owner.connection, 1, name))
    owner.rows("UPDATE search_progress SET operation_id = (SELECT max(id) FROM operations)")
    for tenant in (1, 2, 2):
        owner.run(add(owner.connection, tenant, "Fresh"))
    asyncio.run(migrating.migrate(own_database))
    monkeypatch.setattr(indexer, "BATCH", 1)

    async def work() -> int:
        connection = await connect(own_database)
        sequencer = Sequencer(connection)
        await sequencer.begin()
        assert await sequencer.give_all() == 5
        indexing = Indexer(connection, connection, Storage(Path("/nowhere"), ""))
        steps = 1
        while await indexing.count_words():
            steps += 1
        await connection.close()
        return steps

    assert owner.run(work()) == 3, "a batch of each tenant at a time, and a look that finds none"
    rows = owner.rows("SELECT tenant_id, word, uses FROM words ORDER BY tenant_id, word")
    assert [tuple(row) for row in rows] == [(1, "fresh", 1), (2, "fresh", 2)]
    progress = owner.rows("SELECT tenant_id, position FROM loops ORDER BY tenant_id")
    assert [tuple(row) for row in progress] == [(1, 3), (2, 2)]
