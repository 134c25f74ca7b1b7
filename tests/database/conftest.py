"""A tenant so large that a plan that reads a whole table would be a slow one."""

import pytest

from support.lists import TENANTS, make
from support.nouns import LINK_TABLES, TABLES
from support.server import Server
from support.sql import Sql


@pytest.fixture(scope="session")
def many(server: Server, sql: Sql) -> int:
    """Three tenants with 8,000 rows of each noun; the id of the last, which alone has a journal of
    them and learns their words.
    """
    superuser = Sql(server.database_url.replace("retainer@/retainer", "postgres@/retainer"))
    superuser.rows("SET session_replication_role = replica")  # no trigger runs
    for _ in range(TENANTS - 1):
        make(superuser, _tenant(sql))
    superuser.close()
    tenant = _tenant(sql)
    make(sql, tenant)
    for table in (*TABLES, *LINK_TABLES, "users"):
        sql.rows(f"ANALYZE {table}")
    return tenant


def _tenant(sql: Sql) -> int:
    return int(sql.value("INSERT INTO tenants (name) VALUES ('Many') RETURNING id"))
