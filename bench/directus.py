"""Directus as a peer: installed into the user's cache, made ready through its own API. Its revisions
are on; a policy keeps each user to their tenant, as its makers describe it.
"""

import asyncio
import datetime as dt
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from bench import contender, installs, postgres, processes, rows, workloads
from bench.contender import Contender, UnavailableError
from bench.postgres import Postgres

NAME = "directus"
DATABASE = "directus"
SOURCE = Path(__file__).parent / "peers" / NAME
PATH = "/items/organizations"
# It takes no address under .example alone.
OWNER, ADMIN, SMALL_ADMIN = "root@example.com", "ada@example.com", "olga@example.com"
PASSWORD = "correct horse battery bench"
# A module in C++, which its operations in flows need; it is compiled from Node's own headers.
COMPILED = "isolated-vm"
REFUSALS = {401: 403, 404: 403, 422: 400}  # it does not tell what exists
TYPES = ("customer", "prospect", "partner", "vendor", "internal", "other")
STATUSES = ("active", "inactive", "archived")
TEXTS = ("name", "type", "industry", "website")
COLUMNS = ("tenant", "name", "type", "status", "industry", "website", "description", "metadata")
WITHOUT = (workloads.ONE_GZIP, workloads.LIST50_GZIP, workloads.ALL, *workloads.OF_PAGES)


def start(server: Postgres, folder: Path, core: int) -> Contender:
    """Install it where needed, make its tables and rows, run it on `core`, show what it answers."""
    home = install()
    where, log, port = folder / NAME, folder / f"{NAME}.log", postgres.free_port()
    where.mkdir()
    env = _environment(server, port)
    asyncio.run(_execute(server, "postgres", f"CREATE DATABASE {DATABASE}"))
    cli = [installs.program("node"), str(home / "node_modules" / "directus" / "cli.js")]
    if processes.start([*cli, "bootstrap"], log=log, env=env, cwd=where).wait(120):
        raise UnavailableError(f"it could not make its tables:\n{processes.tail(log)}")
    process = processes.start([*cli, "start"], log=log, core=core, env=env, cwd=where)
    started = Contender(
        NAME,
        installs.version(SOURCE),
        port,
        process,
        path=PATH,
        list_path=f"{PATH}?limit=-1&sort=name",
        wrapped=True,
        refusals=REFUSALS,
        without=WITHOUT,
    )
    try:
        contender.wait(port, process, log, "/server/ping")
        _make_ready(port)
        asyncio.run(_seed(server))
        started.large_cookie = _log_in(port, ADMIN)
        started.small_cookie = _log_in(port, SMALL_ADMIN)
        started.note_memory()
        contender.check(started)
    except Exception:
        processes.stop(process)
        raise
    return started


def install() -> Path:
    """It and its thousand packages, whose own scripts do not run; one of them is then compiled."""
    home = installs.CACHE / NAME
    if installs.changed(home, SOURCE / "package.json"):
        home.mkdir(parents=True, exist_ok=True)
        for file in ("package.json", ".npmrc"):
            shutil.copy(SOURCE / file, home / file)
        program = installs.program("npm")
        installs.install([program, "install", "--ignore-scripts"], home)
        prefix = Path(installs.program("node")).resolve().parent.parent
        headers = [f"--nodedir={prefix}"] if (prefix / "include" / "node").is_dir() else []
        installs.install([program, "rebuild", COMPILED, *headers], home)
        installs.remember(home, SOURCE / "package.json")
    return home


def _environment(server: Postgres, port: int) -> dict[str, str]:
    return {
        "NODE_ENV": "production",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "SECRET": "a bench needs no secret",
        "ADMIN_EMAIL": OWNER,
        "ADMIN_PASSWORD": PASSWORD,
        "DB_CLIENT": "pg",
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(server.port),
        "DB_DATABASE": DATABASE,
        "DB_USER": "bench",
        "DB_PASSWORD": server.password,
        "DB_POOL__MAX": "10",
        "LOG_LEVEL": "error",
        "TELEMETRY": "false",
        "SERVE_APP": "false",
        "PRESSURE_LIMITER_ENABLED": "false",  # it would refuse requests under load
        "SESSION_COOKIE_TTL": "1d",
    }


def _make_ready(port: int) -> None:
    """The collection with its revisions, and users whose policy keeps them to their tenant."""
    owner = _log_in(port, OWNER)

    def post(path: str, body: Any) -> Any:
        got = contender.ask(port, "POST", path, owner, body)
        if got.status != 200:
            raise UnavailableError(f"POST {path} answered {got.status}: {got.body[:300]!r}")
        return got.json()["data"]

    post("/fields/directus_users", {"field": "tenant", "type": "integer", "schema": {}})
    post("/collections", _collection())
    policy = post("/policies", {"name": "Consultants", "app_access": False})["id"]
    own = {"tenant": {"_eq": "$CURRENT_USER.tenant"}}
    common = {"policy": policy, "collection": "organizations", "fields": ["*"]}
    valid = {
        "_and": [
            {"name": {"_nnull": True}},
            {"type": {"_in": TYPES}},
            {"status": {"_in": STATUSES}},
        ]
    }
    preset = {"tenant": "$CURRENT_USER.tenant"}
    post("/permissions", common | {"action": "read", "permissions": own})
    post("/permissions", common | {"action": "create", "validation": valid, "presets": preset})
    role = post("/roles", {"name": "Consultant", "policies": [{"policy": policy}]})["id"]
    for tenant, email in ((1, ADMIN), (2, SMALL_ADMIN)):
        user = {"email": email, "password": PASSWORD, "role": role, "tenant": tenant}
        got = contender.ask(port, "POST", "/users", owner, user)
        if got.status not in (200, 204):
            raise UnavailableError(f"POST /users answered {got.status}: {got.body[:300]!r}")


def _collection() -> dict[str, Any]:
    key = {"is_primary_key": True, "has_auto_increment": True}
    fields: list[dict[str, Any]] = [
        {"field": "id", "type": "integer", "schema": key},
        {"field": "tenant", "type": "integer", "schema": {"is_nullable": False}},
        *({"field": name, "type": "string", "schema": {"max_length": 2000}} for name in TEXTS),
        {"field": "status", "type": "string", "schema": {"default_value": "active"}},
        {"field": "description", "type": "text", "schema": {}},
        {"field": "metadata", "type": "json", "schema": {}, "meta": {"special": ["cast-json"]}},
    ]
    for name, kind in (("createdAt", "date-created"), ("updatedAt", "date-updated")):
        fields.append(
            {"field": name, "type": "timestamp", "schema": {}, "meta": {"special": [kind]}}
        )
    meta = {"accountability": "all"}  # activity and revisions of each change
    return {"collection": "organizations", "schema": {}, "meta": meta, "fields": fields}


def _log_in(port: int, email: str) -> str:
    body = {"email": email, "password": PASSWORD, "mode": "session"}
    got = contender.ask(port, "POST", "/auth/login", body=body)
    if got.status != 200 or not got.cookie:
        raise UnavailableError(f"login of {email} answered {got.status}: {got.body[:300]!r}")
    return got.cookie


async def _execute(server: Postgres, database: str, *statements: str) -> None:
    connection = await asyncpg.connect(server.url(database))
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def _seed(server: Postgres) -> None:
    connection = await asyncpg.connect(server.url(DATABASE))
    now = dt.datetime.now(dt.UTC)
    records = [
        (*_record(tenant, row), now, now)
        for tenant, some in enumerate(rows.tenants(), 1)
        for row in some
    ]
    columns = [*COLUMNS, "createdAt", "updatedAt"]
    await connection.copy_records_to_table("organizations", records=records, columns=columns)
    await connection.execute("CREATE INDEX ON organizations (tenant, name)")
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


def _record(tenant: int, row: dict[str, Any]) -> Sequence[Any]:
    return (tenant, *(row[name] for name in COLUMNS[1:-1]), json.dumps(row["metadata"]))
