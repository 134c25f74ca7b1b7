"""Writers of one tenant at once, each with its connection, and what the order of their positions must be."""

import asyncio
import random
from typing import Any

from retainer.database.pool import Connection, connect

BEGIN = """
    SELECT set_config('retainer.tenant', $1::bigint::text, true),
        acting_as(NULL, 'command', 'command', NULL, 'test')
"""
INSERT = "INSERT INTO organizations (tenant_id, name, type) VALUES ($1, $2, 'other') RETURNING id"
TOUCH = "UPDATE organizations SET description = $3 WHERE tenant_id = $1 AND id = $2"

# Changes in the order of the positions of their operations.
_TOLD = """
    SELECT c.entity, c.entity_id, c.version FROM operations o
        JOIN changes c ON c.tenant_id = o.tenant_id AND c.operation_id = o.id
    WHERE o.tenant_id = $1 ORDER BY o.position, c.sequence
"""


async def begin(connection: Connection, tenant: int) -> Any:
    """Begin a transaction that acts in the tenant."""
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(BEGIN, tenant)
    return transaction


async def add(connection: Connection, tenant: int, name: str) -> int:
    """One organization, in an operation of its own."""
    transaction = await begin(connection, tenant)
    id = int(await connection.fetchval(INSERT, tenant, name))
    await transaction.commit()
    return id


async def write(url: str, tenant: int, ids: list[int], seed: int, commits: int) -> None:
    """Commit so many operations, each of which changes one or two of a few records; some wait for
    each other, some are slow, some roll back.
    """
    chance = random.Random(seed)
    connection = await connect(url)
    for number in range(commits):
        transaction = await begin(connection, tenant)
        # Always in the order of their numbers, so that none waits for another in a circle.
        for id in sorted(chance.sample(ids, chance.choice((1, 1, 2)))):
            await connection.execute(TOUCH, tenant, id, f"{seed}-{number}")
            if chance.random() < 0.2:
                await asyncio.sleep(chance.random() / 100)
        if chance.random() < 0.05:
            await transaction.rollback()
        else:
            await transaction.commit()
    await connection.close()


async def misplaced(connection: Connection, tenant: int) -> tuple[list[int | None], int]:
    """The positions of a tenant's operations, in order, and how many versions of a record come
    after a later one.
    """
    rows = await connection.fetch(_TOLD, tenant)
    last: dict[tuple[str, int], int] = {}
    wrong = 0
    for row in rows:
        record = row["entity"], row["entity_id"]
        wrong += row["version"] <= last.get(record, 0)
        last[record] = row["version"]
    operations = await connection.fetch(
        "SELECT position FROM operations WHERE tenant_id = $1 ORDER BY position", tenant
    )
    return [row["position"] for row in operations], wrong
