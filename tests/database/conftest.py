"""A tenant so large that a plan that reads a whole table would be a slow one."""

import pytest

from support.lists import TENANTS, make
from support.nouns import LINK_TABLES, TABLES
from support.sql import Sql


@pytest.fixture(scope="session")
def many(sql: Sql) -> int:
    """Three tenants with 8,000 rows of each noun; the id of the last, which alone has a journal of
    them and learns their words.
    """
    tables = (*TABLES, *LINK_TABLES)
    for table in tables:
        sql.rows(f"ALTER TABLE {table} DISABLE TRIGGER journal")
    for _ in range(TENANTS - 1):
        make(sql, _tenant(sql))
    for table in tables:
        sql.rows(f"ALTER TABLE {table} ENABLE TRIGGER journal")
    tenant = _tenant(sql)
    make(sql, tenant)
    for table in (*tables, "users"):
        sql.rows(f"ANALYZE {table}")
    return tenant


def _tenant(sql: Sql) -> int:
    return int(sql.value("INSERT INTO tenants (name) VALUES ('Many') RETURNING id"))
