"""Statements that nobody composes are planned once a connection: every GET of the sitemap is sent
again and again, and PostgreSQL says how often it planned each of its statements.
"""

from typing import Any

import pytest

from retainer.database.pool import PLANNED_ONCE
from retainer.http.routing import Route
from retainer.pages.routes import PAGES
from retainer.permissions import PERMISSIONS, PUBLIC
from retainer.routes import ROUTES
from support import samples
from support.cast import Cast, Person
from support.in_process import InProcess
from support.pages import sitemap
from support.sql import Sql

TIMES = 8  # PostgreSQL, if left the choice, makes it anew at each execution after the fifth
STREAMS = {"live"}  # an answer that does not end
READS = [
    route
    for route in (*ROUTES, *PAGES)
    if route.method == "GET" and route.permission != PUBLIC and route.name not in STREAMS
]
WHO = {"all": "ada", "own": "stan", "client": "gita"}


def path_of(cast: Cast, route: Route) -> str:
    if route in PAGES:
        return sitemap.path_of(cast, route)
    ids, _ = samples.sample(cast, route)
    return samples.path_of(route, ids)


def plannings(inside: InProcess) -> dict[str, int]:
    """Custom plans of each prepared statement, the most of any connection."""

    async def ask() -> list[Any]:
        return [
            row
            for connection in inside.app.database.pool.idle
            for row in await connection.fetch(
                "SELECT statement, custom_plans FROM pg_prepared_statements"
            )
        ]

    found: dict[str, int] = {}
    for text, planned in inside.sql.run(ask()):
        found[text] = max(planned, found.get(text, 0))
    return found


@pytest.mark.slow  # some 2,000 requests
@pytest.mark.parametrize("who", WHO.values())
def test_no_statement_of_the_sitemap_is_planned_at_each_request(
    cast: Cast, inside: InProcess, who: str
) -> None:
    person: Person = getattr(cast, who)
    cast.asking = person
    role = sitemap.ROLES[who]
    paths = {
        route.path: path_of(cast, route)
        for route in READS
        if role in PERMISSIONS[route.permission].roles
    }
    for path in paths.values():
        for _ in range(TIMES):
            assert inside.send(person, "GET", path, headers=sitemap.HTML)[0] < 400, path
    planned = plannings(inside)
    assert len(planned) > 20
    assert {text: count for text, count in planned.items() if count > 5} == {}


def prepared(sql: Sql, name: str) -> str:
    """The plan of a statement prepared on a scratch table, for any values."""
    sql.run(
        sql.connection.execute(
            f"PREPARE {name} AS SELECT word FROM filling WHERE tenant_id = $1 AND id = $2"
        )
    )
    return plan_of(sql, name)


def plan_of(sql: Sql, name: str) -> str:
    return "\n".join(row[0] for row in sql.rows(f"EXPLAIN EXECUTE {name}(1, 1)"))


def test_a_plan_made_while_a_table_was_empty_is_replaced_when_the_table_is_analysed(
    sql: Sql,
) -> None:
    """Autovacuum does that within a minute of the first fifty rows, and of every tenth more."""
    assert sql.value("SHOW autovacuum") == "on"
    sql.rows("SET plan_cache_mode = force_generic_plan")
    sql.rows(
        """CREATE TEMPORARY TABLE filling
        (tenant_id bigint, id bigint, word text, PRIMARY KEY (tenant_id, id))"""
    )
    sql.rows("INSERT INTO filling VALUES (1, 0, 'first')")
    sql.rows("ANALYZE filling")
    try:
        assert "Seq Scan" in prepared(sql, "early")
        sql.rows("SELECT set_config('enable_seqscan', $1, false)", PLANNED_ONCE[1])
        assert "Index Scan" in prepared(sql, "as_requests_have_it")
        sql.rows("SET enable_seqscan = on")
        sql.rows("INSERT INTO filling SELECT 1, n, 'word' FROM generate_series(1, 5000) n")
        assert "Seq Scan" in plan_of(sql, "early")
        sql.rows("ANALYZE filling")
        assert "Index Scan" in plan_of(sql, "early")
    finally:
        sql.run(
            sql.connection.execute(
                "DROP TABLE filling; DEALLOCATE early; DEALLOCATE as_requests_have_it"
            )
        )
