"""The peers: installed into the user's cache from their exact pins, and run on a database of their own."""

import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import asyncpg

from bench import contender, directus, installs, postgres, processes, rows, workloads
from bench.contender import Contender
from bench.postgres import Postgres

HERE = Path(__file__).parent
DATABASE = "peers"
DUTIES = "fastify-duties"
DUTIES_DATABASE, DUTIES_ROLE = "duties", "duties_app"
ADMIN, SMALL_ADMIN, GUEST = "ada@large.example", "olga@small.example", "gita@large.example"
COLUMNS = ("tenant_id", "name", "type", "status", "industry", "website", "description", "metadata")
NODE_PEERS = ("fastify", DUTIES, "express")
NAMES = (*NODE_PEERS, "fastapi", directus.NAME)


def seed(server: Postgres) -> None:
    """The peers' databases, one plain and one with duties: two tenants, three users, and the rows of
    rows.py.
    """
    schema = HERE / "peers" / "schema.sql"
    asyncio.run(_seed(server, DATABASE, schema))
    asyncio.run(_seed(server, DUTIES_DATABASE, schema, HERE / "peers" / DUTIES / "schema.sql"))


def start(name: str, server: Postgres, folder: Path, core: int) -> Contender:
    """Install the peer where needed, run it on `core`, log in, show that it answers as it should."""
    if name == directus.NAME:
        return directus.start(server, folder, core)
    port = postgres.free_port()
    log = folder / f"{name}.log"
    if name in NODE_PEERS:
        home, version = install_node(name)
        command = [installs.program("node"), "server.js"]
        url = server.url(DATABASE)
        if name == DUTIES:
            url = server.url(DUTIES_DATABASE, DUTIES_ROLE)
        env = {"NODE_ENV": "production", "PORT": str(port), "DATABASE_URL": url}
    else:
        python, version = install_fastapi()
        home = HERE / "peers" / name
        command = [
            str(python),
            "-m",
            "uvicorn",
            "app:app",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
        command += [
            "--loop",
            "uvloop",
            "--http",
            "httptools",
            "--no-access-log",
            "--log-level",
            "warning",
        ]
        env = {"DATABASE_URL": server.url(DATABASE, scheme="postgresql+asyncpg")}
    process = processes.start(command, log=log, core=core, env=env, cwd=home)
    started = Contender(name, version, port, process, without=workloads.OF_PAGES)
    try:
        contender.wait(port, process, log, "/api/organizations/1")
        _log_in_and_check(started)
    except Exception:
        processes.stop(process)
        raise
    return started


def install_node(name: str) -> tuple[Path, str]:
    """`npm ci` into the cache unless the lock there is the same; the folder and the versions."""
    source, home = HERE / "peers" / name, installs.CACHE / name
    home.mkdir(parents=True, exist_ok=True)
    for file in ("server.js", "package.json", "package-lock.json", ".npmrc"):
        shutil.copy(source / file, home / file)
    if installs.changed(home, source / "package-lock.json"):
        installs.install([installs.program("npm"), "ci"], home)
        installs.remember(home, source / "package-lock.json")
    return home, installs.version(source)


def install_fastapi() -> tuple[Path, str]:
    """A virtual environment in the cache unless its pins there are the same; its Python and the
    versions.
    """
    pins, home = HERE / "peers" / "fastapi" / "requirements.txt", installs.CACHE / "fastapi"
    python = home / "bin" / "python"
    if installs.changed(home, pins):
        installs.CACHE.mkdir(parents=True, exist_ok=True)
        installs.install([sys.executable, "-m", "venv", "--clear", str(home)], installs.CACHE)
        installs.install(
            [str(python), "-m", "pip", "install", "-q", "-r", str(pins)], installs.CACHE
        )
        installs.remember(home, pins)
    named = ("fastapi", "pydantic", "sqlalchemy", "asyncpg", "uvicorn", "uvloop", "httptools")
    lines = (line.partition("==") for line in pins.read_text().splitlines())
    versions = ", ".join(f"{name} {pin}" for name, _, pin in lines if name.lower() in named)
    return python, f"Python {sys.version.split()[0]}, {versions}"


def _log_in_and_check(started: Contender) -> None:
    started.large_cookie = contender.log_in(started.port, ADMIN, "bench")
    started.small_cookie = contender.log_in(started.port, SMALL_ADMIN, "bench")
    started.note_memory()
    contender.check(started, guest_cookie=contender.log_in(started.port, GUEST, "bench"))


async def _seed(server: Postgres, database: str, *schema: Path) -> None:
    admin = await asyncpg.connect(server.url("postgres"))
    if database == DUTIES_DATABASE:
        await admin.execute(f"CREATE ROLE {DUTIES_ROLE} LOGIN PASSWORD '{server.password}'")
    await admin.execute(f"CREATE DATABASE {database}")
    await admin.close()
    connection = await asyncpg.connect(server.url(database))
    for file in schema:
        await connection.execute(file.read_text())
    await connection.execute("INSERT INTO tenants VALUES (1, 'large'), (2, 'small')")
    users = [(1, ADMIN, "admin"), (2, SMALL_ADMIN, "admin"), (1, GUEST, "guest")]
    await connection.executemany(
        "INSERT INTO users (tenant_id, username, role) VALUES ($1, $2, $3)", users
    )
    large, small = rows.tenants()
    records = [_record(1, row) for row in large] + [_record(2, row) for row in small]
    await connection.copy_records_to_table("organizations", records=records, columns=COLUMNS)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


def _record(tenant: int, row: dict[str, Any]) -> tuple[Any, ...]:
    return (tenant, *(row[column] for column in COLUMNS[1:-1]), json.dumps(row["metadata"]))
