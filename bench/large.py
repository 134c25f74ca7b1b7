"""Large operations of Retainer: an organization with many tasks is deleted, comes back, goes again;
many organizations are deleted in one request. At two sizes, so that growth shows.

Seconds are until the answer; beside them the processor time, and the rows that PostgreSQL read by
scanning whole tables, each for one row that the operation touched.
"""

import asyncio
import http.client
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import asyncpg

from bench import contender, processes, retainer
from bench.contender import Answer, Contender, UnavailableError
from bench.postgres import Postgres

TASKS = (10_000, 50_000)
BULK = (2_000, 10_000)
PATIENCE_SECONDS = 120.0
STATISTICS_SECONDS = 1.2  # until a connection that is idle has told its counts
NDJSON = "application/x-ndjson"
ACTING = """
WITH acting AS MATERIALIZED (
    SELECT set_config('retainer.tenant', $1::bigint::text, true),
        acting_as(NULL, 'system', 'system', NULL, 'seedBench'))"""
HOME = f"""{ACTING}
INSERT INTO organizations (tenant_id, name, type) SELECT $1, 'Large', 'other' FROM acting
RETURNING id"""
MANY_TASKS = f"""{ACTING}
INSERT INTO tasks (tenant_id, title, organization_id)
SELECT $1, 'Task ' || n, $2 FROM generate_series(1, $3::bigint) n, acting"""
MANY_ORGANIZATIONS = f"""{ACTING}
INSERT INTO organizations (tenant_id, name, type)
SELECT $1, 'Empty ' || n, 'other' FROM generate_series(1, $2::bigint) n, acting
RETURNING id"""
SCANNED = "SELECT sum(seq_tup_read)::bigint FROM pg_stat_user_tables"


class Large(NamedTuple):
    """One operation. Processor time in µs, and rows read by scans, for each of its rows."""

    what: str
    rows: int
    status: int
    seconds: float
    server_us: float
    postgres_us: float
    scanned: float

    @property
    def total_us(self) -> float:
        return self.server_us + self.postgres_us


class Meter:
    """The rows of the tenant, and what an operation on them costs."""

    def __init__(self, server: Postgres, tested: Contender, connection: Any) -> None:
        self.server, self.tested, self.connection = server, tested, connection

    async def measure(self, what: str, rows: int, send: Callable[[], Answer]) -> Large:
        scanned, before = await self.scanned(), self.cpu()
        began = time.perf_counter()
        answer = await asyncio.to_thread(send)
        seconds = time.perf_counter() - began
        server, postgres = (late - early for early, late in zip(before, self.cpu(), strict=True))
        read = await self.scanned() - scanned
        return Large(
            what,
            rows,
            answer.status,
            seconds,
            server / rows * 1e6,
            postgres / rows * 1e6,
            read / rows,
        )

    def cpu(self) -> tuple[float, float]:
        server = processes.cpu_seconds(self.tested.process.pid)
        return server, processes.cpu_seconds(self.server.pid)

    async def scanned(self) -> int:
        await asyncio.sleep(STATISTICS_SECONDS)
        return int(await self.connection.fetchval(SCANNED))

    def send(self, method: str, path: str, body: str = "", kind: str = "") -> Answer:
        """The answer; one of status 0 where none came."""
        tested = self.tested
        try:
            return contender.ask(
                tested.port, method, path, tested.large_cookie, body or None, kind, PATIENCE_SECONDS
            )
        except (OSError, http.client.HTTPException):
            return Answer(0, "", b"")

    async def tree(self, count: int) -> list[Large]:
        """An organization with so many tasks: deleted, undone, redone."""
        tenant = self.tested.tenant
        home = await self.connection.fetchval(HOME, tenant)
        await self.connection.execute(MANY_TASKS, tenant, home, count)
        path = f"/api/organizations/{home}"
        return [
            await self.measure("deletion", count, lambda: self.send("DELETE", path)),
            await self.measure("undo", count, lambda: self.send("POST", "/api/user/undo")),
            await self.measure("redo", count, lambda: self.send("POST", "/api/user/redo")),
        ]

    async def bulk(self, count: int) -> Large:
        """So many organizations deleted in one request."""
        found = await self.connection.fetch(MANY_ORGANIZATIONS, self.tested.tenant, count)
        lines = "".join(
            json.dumps({"method": "DELETE", "path": f"/organizations/{row['id']}"}) + "\n"
            for row in found
        )
        return await self.measure(
            "bulk of deletions", count, lambda: self.send("POST", "/api/bulk", lines, NDJSON)
        )


def measure(server: Postgres, tested: Contender) -> list[Large]:
    """The operations on the tenant of 10,000 organizations."""
    return asyncio.run(_measure(server, tested))


async def _measure(server: Postgres, tested: Contender) -> list[Large]:
    connection = await asyncpg.connect(server.url(retainer.DATABASE, retainer.ROLE))
    meter = Meter(server, tested, connection)
    found: list[Large] = []
    try:
        for count in TASKS:
            found += await meter.tree(count)
        for count in BULK:
            found.append(await meter.bulk(count))
    except (OSError, asyncpg.PostgresError) as error:
        raise UnavailableError(
            f"{type(error).__name__} after {len(found)} of them: {error}"
        ) from error
    finally:
        await connection.close()
    return found
