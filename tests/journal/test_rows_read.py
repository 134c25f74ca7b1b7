"""Rows that a large operation reads: they grow with its own, counted at two sizes."""

import asyncio
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from retainer.database.migrate import migrate
from support.cast import Cast, Person
from support.in_process import InProcess
from support.server import Server
from support.sql import Sql

pytestmark = pytest.mark.slow  # a database of its own

FIRST = 10  # rows that are there when the tables are analysed
SIZES = 60, 240
MOST = 100  # rows read for each row of an operation
NDJSON = {"Content-Type": "application/x-ndjson"}
READ = """SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::bigint
    FROM pg_stat_user_tables WHERE schemaname = 'public'"""


class Counted(InProcess):
    """The application, whose connections tell after each request what they have read."""

    def ask(self, person: Person, method: str, path: str, **options: Any) -> tuple[Any, int]:
        """The response, and the rows read for it."""

        async def asked() -> httpx.Response:
            headers = {"Cookie": f"connect.sid={person.token}"} | options.pop("headers", {})
            return await self.client.request(method, path, headers=headers, **options)

        before = self._read()
        answer = self.sql.run(asked())
        assert answer.status_code < 300, answer.text
        return answer, self._read() - before

    def _read(self) -> int:
        """The rows read so far. A connection tells when it ends, at the latest."""

        async def told() -> None:
            pool = self.app.database.pool
            pids = [each.get_server_pid() for each in pool.open if not each.is_closed()]
            pool.drop()
            while await self.sql.connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)", pids
            ):
                await asyncio.sleep(0.01)

        self.sql.run(told())
        return int(self.sql.value(READ))


@pytest.fixture
def counted(own_database: str, server: Server) -> Iterator[tuple[Counted, Person]]:
    sql = Sql(own_database)
    sql.run(migrate(own_database))
    place = SimpleNamespace(database_url=own_database, folder=server.folder)
    with httpx.Client(trust_env=False) as client:
        ada = Cast(sql, client).ada
    running = Counted(cast("Server", place), sql)
    yield running, ada
    running.stop()
    sql.close()


def lines(method: str, paths: list[str], bodies: list[dict[str, Any] | None]) -> str:
    return "\n".join(
        json.dumps({"method": method, "path": path} | ({"body": body} if body else {}))
        for path, body in zip(paths, bodies, strict=True)
    )


def test_rows_read_by_large_operations_grow_with_their_rows(
    counted: tuple[Counted, Person],
) -> None:
    app, ada = counted

    def bulk(method: str, paths: list[str], bodies: list[Any]) -> tuple[list[int], int]:
        content = lines(method, paths, bodies)
        answer, read = app.ask(ada, "POST", "/api/bulk", content=content, headers=NDJSON)
        made = [json.loads(line).get("body") or {} for line in answer.text.splitlines()]
        return [record["id"] for record in made if "id" in record], read

    def undo() -> int:
        last = app.ask(ada, "GET", "/api/operations?limit=1")[0].json()[0]["id"]
        return app.ask(ada, "POST", f"/api/operations/{last}/undo")[1]

    def work(size: int) -> dict[str, float]:
        """The rows read for each row of every operation."""
        read: dict[str, int] = {}
        names = [{"name": f"N{n}", "type": "other"} for n in range(size)]
        _, read["creates"] = bulk("POST", ["/api/organizations"] * size, names)
        read["undo of creates"] = undo()
        read["redo of creates"] = undo()
        home, *ids = bulk("POST", ["/api/organizations"] * (size + 1), [*names, names[0]])[0]
        read["changes"] = bulk(
            "PUT", [f"/api/organizations/{id}" for id in ids], [{"industry": "I"}] * size
        )[1]
        read["undo of changes"] = undo()
        read["deletions"] = bulk(
            "DELETE", [f"/api/organizations/{id}" for id in ids], [None] * size
        )[1]
        read["undo of deletions"] = undo()
        bulk(
            "POST",
            ["/api/tasks"] * size,
            [{"title": f"T{n}", "organizationId": home} for n in range(size)],
        )
        read["deletion of a tree"] = app.ask(ada, "DELETE", f"/api/organizations/{home}")[1]
        read["undo of a tree"] = undo()
        read["redo of a tree"] = undo()
        return {name: rows / size for name, rows in read.items()}

    work(FIRST)
    app.sql.rows("ANALYZE")  # as autovacuum does
    small, large = map(work, SIZES)
    rows = {name: (small[name], large[name]) for name in small}
    assert {name: each for name, each in rows.items() if each[1] > 1.3 * each[0]} == {}
    assert {name: each for name, each in rows.items() if each[1] > MOST} == {}
