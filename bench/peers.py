"""The peers: installed into bench/.cache from their exact pins, and run on a database of their own."""

import asyncio
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from bench import contender, postgres, processes, rows
from bench.contender import Contender, UnavailableError
from bench.postgres import Postgres

HERE = Path(__file__).parent
CACHE = HERE / ".cache"
DATABASE = "peers"
ADMIN, SMALL_ADMIN, GUEST = "ada@large.example", "olga@small.example", "gita@large.example"
COLUMNS = ("tenant_id", "name", "type", "status", "industry", "website", "description", "metadata")
NODE_PEERS = ("fastify", "express")
NAMES = (*NODE_PEERS, "fastapi")


def seed(server: Postgres) -> None:
    """The peers' database: two tenants, three users, and the rows of rows.py."""
    asyncio.run(_seed(server))


def start(name: str, server: Postgres, folder: Path, core: int) -> Contender:
    """Install the peer where needed, run it on `core`, log in, show that it answers as it should."""
    port = postgres.free_port()
    log = folder / f"{name}.log"
    if name in NODE_PEERS:
        home, version = install_node(name)
        command = [_program("node"), "server.js"]
        env = {"NODE_ENV": "production", "PORT": str(port), "DATABASE_URL": server.url(DATABASE)}
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
    started = Contender(name, version, port, process)
    try:
        contender.wait(port, process, log, "/api/organizations/1")
        _log_in_and_check(started)
    except Exception:
        processes.stop(process)
        raise
    return started


def install_node(name: str) -> tuple[Path, str]:
    """`npm ci` into the cache unless the lock there is the same; the folder and the versions."""
    source, home = HERE / "peers" / name, CACHE / name
    home.mkdir(parents=True, exist_ok=True)
    for file in ("server.js", "package.json", "package-lock.json", ".npmrc"):
        shutil.copy(source / file, home / file)
    pins: dict[str, str] = json.loads((source / "package.json").read_text())["dependencies"]
    version = ", ".join(f"{package} {pin}" for package, pin in pins.items())
    node = subprocess.run(
        [_program("node"), "--version"], check=True, capture_output=True, text=True
    ).stdout.strip()
    if _changed(home, source / "package-lock.json"):
        _install([_program("npm"), "ci"], home)
        _remember(home, source / "package-lock.json")
    return home, f"Node {node}, {version}"


def install_fastapi() -> tuple[Path, str]:
    """A virtual environment in the cache unless its pins there are the same; its Python and the
    versions.
    """
    pins, home = HERE / "peers" / "fastapi" / "requirements.txt", CACHE / "fastapi"
    python = home / "bin" / "python"
    if _changed(home, pins):
        CACHE.mkdir(exist_ok=True)
        _install([sys.executable, "-m", "venv", "--clear", str(home)], CACHE)
        _install([str(python), "-m", "pip", "install", "-q", "-r", str(pins)], CACHE)
        _remember(home, pins)
    named = ("fastapi", "pydantic", "sqlalchemy", "asyncpg", "uvicorn", "uvloop", "httptools")
    lines = (line.partition("==") for line in pins.read_text().splitlines())
    versions = ", ".join(f"{name} {pin}" for name, _, pin in lines if name.lower() in named)
    return python, f"Python {sys.version.split()[0]}, {versions}"


def _log_in_and_check(started: Contender) -> None:
    started.large_cookie = contender.log_in(started.port, ADMIN, "bench")
    started.small_cookie = contender.log_in(started.port, SMALL_ADMIN, "bench")
    started.note_memory()
    contender.check(started, guest_cookie=contender.log_in(started.port, GUEST, "bench"))


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise UnavailableError(f"`{name}` is not installed (it needs Node.js 20 or newer with npm)")
    return found


def _install(command: Sequence[str], cwd: Path) -> None:
    print(f"  {Path(command[0]).name} {' '.join(command[1:3])} …", file=sys.stderr, flush=True)
    done = subprocess.run(command, check=False, cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        raise UnavailableError(f"its installation failed:\n{last}")


def _changed(home: Path, pins: Path) -> bool:
    stamp = home / ".installed"
    return not stamp.exists() or stamp.read_text() != _digest(pins)


def _remember(home: Path, pins: Path) -> None:
    (home / ".installed").write_text(_digest(pins))


def _digest(pins: Path) -> str:
    return hashlib.sha256(pins.read_bytes()).hexdigest()


async def _seed(server: Postgres) -> None:
    admin = await asyncpg.connect(server.url("postgres"))
    await admin.execute(f"CREATE DATABASE {DATABASE}")
    await admin.close()
    connection = await asyncpg.connect(server.url(DATABASE))
    await connection.execute((HERE / "peers" / "schema.sql").read_text())
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
