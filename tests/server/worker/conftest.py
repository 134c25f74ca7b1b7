"""A migrated database of its own for each file, which no worker looks at but those of its tests."""

import asyncio
import secrets
from collections.abc import Iterator

import pytest

from retainer.database.migrate import migrate
from support.server import Server
from support.sql import Sql


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    name = f"worker_{secrets.token_hex(4)}"
    cluster = Sql(server.database_url.replace("retainer@/retainer", "postgres@/postgres"))
    cluster.rows(f"CREATE DATABASE {name} OWNER retainer")
    made = server.database_url.replace("@/retainer", f"@/{name}")
    asyncio.run(migrate(made))
    yield made
    cluster.rows(f"DROP DATABASE {name} WITH (FORCE)")
    cluster.close()


@pytest.fixture
def owner(url: str) -> Iterator[Sql]:
    sql = Sql(url)
    yield sql
    sql.close()


@pytest.fixture
def tenant(owner: Sql) -> int:
    made = "INSERT INTO tenants (name, time_zone) VALUES ('T', 'UTC') RETURNING id"
    return int(owner.value(made))
