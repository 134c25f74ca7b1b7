"""Retainer as a contender: what the bench assumes about it stands in this file alone."""

import asyncio
import contextlib
import importlib
import importlib.metadata
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from bench import contender, postgres, processes, rows
from bench.contender import Contender, UnavailableError
from bench.postgres import Postgres

REPOSITORY = Path(__file__).resolve().parent.parent
DATABASE = ROLE = "retainer"
APPLICATION_ROLE = "retainer_app"
ADMIN, SMALL_ADMIN = "ada@large.example", "olga@small.example"
RULE = re.compile(r"@(?:visible|told)_\w+")  # what a role sees and is told: an admin all of it
PASSWORD = "correct horse battery bench"


@dataclass(frozen=True)
class Checkout:
    """A source tree of Retainer and the Python that has its dependencies."""

    name: str
    folder: Path
    python: str


NOW = Checkout(DATABASE, REPOSITORY, sys.executable)


def earlier(folder: Path) -> Checkout:
    """Another commit's tree with its own environment in .venv, as `make` leaves it."""
    return Checkout("before", folder.resolve(), str(folder.resolve() / ".venv/bin/python"))


def start(server: Postgres, folder: Path, core: int, checkout: Checkout = NOW) -> Contender:
    """Run it on `core` with an empty database of the bench's server; seed, log in, check."""
    database = checkout.name
    asyncio.run(_make_database(server, database))
    url = server.url(database, ROLE)
    port, log = postgres.free_port(), folder / f"{checkout.name}.log"
    home = folder / checkout.name
    home.mkdir()
    process = processes.start(
        _serve(port, home, checkout),
        log=log,
        core=core,
        env=_environment(url, checkout),
        cwd=folder,
    )
    started = Contender(checkout.name, _version(), port, process)
    try:
        contender.wait(port, process, log, "/readyz")
        started.tenant, started.small_tenant, started.ids = asyncio.run(_seed(url))
        started.large_cookie = contender.log_in(port, ADMIN, PASSWORD)
        started.small_cookie = contender.log_in(port, SMALL_ADMIN, PASSWORD)
        started.note_memory()
        contender.check(started)
    except Exception:
        processes.stop(process)
        raise
    return started


def point_read() -> str:
    """The statement of GET /api/organizations/{id} for one id, an admin asking; in pgbench's terms.

    Read off the product, so that the limit moves with it. Retainer itself asks for several ids at
    once.
    """
    sys.path.append(str(REPOSITORY / "src"))
    try:
        text: str = importlib.import_module("retainer.records.organizations.store").READ.text
    except (ImportError, AttributeError) as error:
        raise UnavailableError(
            f"no statement retainer.records.organizations.store.READ: {error}"
        ) from None
    if "= ANY(:ids::bigint[])" not in text:
        raise UnavailableError(
            "retainer.records.organizations.store.READ no longer says = ANY(:ids::bigint[])"
        )
    text = RULE.sub("true", text.replace("= ANY(:ids::bigint[])", "= :id"))
    return text.strip()


@contextlib.contextmanager
def embedded(folder: Path) -> Iterator[tuple[float, list[int]]]:
    """Run it with its embedded database in `folder`: seconds until it is ready, and all its
    processes.

    The database's processes belong to it whoever their parent is: they name the data folder.
    """
    port, log = postgres.free_port(), folder.with_suffix(".log")
    began = time.perf_counter()
    process = start_embedded(port, folder, log)
    try:
        contender.wait(port, process, log, "/healthz")
        contender.wait(
            port, process, log, "/readyz"
        )  # vouches for the database, as /healthz does not
        seconds = time.perf_counter() - began
        time.sleep(2)
        yield seconds, sorted({*processes.tree(process.pid), *processes.naming(str(folder))})
    finally:
        processes.stop(process)


def start_embedded(port: int, folder: Path, log: Path) -> Any:
    """Run it with its embedded database in `folder`."""
    command, env = _serve(port, folder, NOW), _environment(None, NOW)
    return processes.start(command, log=log, env=env, cwd=folder.parent)


def _serve(port: int, home: Path, checkout: Checkout) -> list[str]:
    command = [checkout.python, "-m", "retainer", "serve"]
    return [*command, "--host", "127.0.0.1", "--port", str(port), "--data", str(home)]


def _environment(url: str | None, checkout: Checkout) -> dict[str, str]:
    paths = [str(checkout.folder / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    common = {
        "PYTHONPATH": os.pathsep.join(paths),
        "RETAINER_ADMIN_EMAIL": ADMIN,
        "RETAINER_ADMIN_PASSWORD": PASSWORD,
        "RETAINER_LOG": "errors",  # the peers write no line per request either
    }
    if checkout is NOW and os.geteuid() == 0:  # the account may not be able to read the program
        common["RETAINER_USER"] = "root"
    return common if url is None else common | {"RETAINER_DATABASE_URL": url}


def _version() -> str:
    names = ("retainer", "uvicorn", "httptools", "uvloop", "msgspec", "asyncpg")
    found = [f"Python {sys.version.split()[0]}"]
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{name} {importlib.metadata.version(name)}")
    return ", ".join(found)


async def _make_database(server: Postgres, database: str) -> None:
    """An empty database, owned by a role that is no superuser and may make the application's role."""
    admin = await asyncpg.connect(server.url("postgres"))
    if not await admin.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", ROLE):
        await admin.execute(f"CREATE ROLE {ROLE} LOGIN CREATEROLE PASSWORD '{server.password}'")
    await admin.execute(f"CREATE DATABASE {database} OWNER {ROLE}")
    await admin.close()


async def _seed(url: str) -> tuple[int, int, tuple[int, int]]:
    """The rows by SQL as the owner, journalled like any write; the large tenant, the small one, the
    first and last id of the large one's.
    """
    connection = await asyncpg.connect(url)
    large, small = rows.tenants()
    tenant: int = await connection.fetchval("SELECT min(id) FROM tenants")
    other: int = await connection.fetchval(
        "INSERT INTO tenants (name) VALUES ('small') RETURNING id"
    )
    await _as_tenant(connection, other, USER_LIKE_THE_FIRST, SMALL_ADMIN, tenant)
    await _as_tenant(connection, tenant, ORGANIZATIONS, json.dumps(large))
    await _as_tenant(connection, other, ORGANIZATIONS, json.dumps(small))
    ids = await connection.fetchrow(
        "SELECT min(id), max(id) FROM organizations WHERE tenant_id = $1", tenant
    )
    await connection.execute("VACUUM ANALYZE organizations, users, operations, changes")
    await connection.close()
    return tenant, other, (ids[0], ids[1])


USER_LIKE_THE_FIRST = """
INSERT INTO users (tenant_id, username, full_name, role, password_hash, password_changed_at)
SELECT current_tenant(), $1, 'Olga', role, password_hash, password_changed_at
FROM users WHERE tenant_id = $2 AND role = 'admin'"""

ORGANIZATIONS = """
INSERT INTO organizations (tenant_id, name, type, status, industry, website, description, metadata)
SELECT current_tenant(), name, type, status, industry, website, description, metadata
FROM jsonb_to_recordset($1::jsonb) AS given
    (name text, type text, status text, industry text, website text, description text, metadata jsonb)"""


async def _as_tenant(connection: Any, tenant: int, statement: str, *values: Any) -> None:
    """One transaction as one operation of the system in the tenant's journal."""
    async with connection.transaction():
        await connection.execute("SELECT set_config('retainer.tenant', $1, true)", str(tenant))
        await connection.execute("SELECT acting_as(NULL, 'system', 'system', NULL, 'seedBench')")
        await connection.execute(statement, *values)
