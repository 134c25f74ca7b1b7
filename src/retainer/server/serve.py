"""Starting and stopping: the database, the first admin, the server processes, and watching over
them.
"""

import asyncio
import errno
import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import uvicorn

from retainer.config import (
    ADDRESS,
    DEFAULTS,
    PREFIX,
    SECRETS,
    ConfigError,
    Settings,
    address,
    local_address,
)
from retainer.database.migrate import migrate
from retainer.database.pool import Connection, connect
from retainer.errors import Problem
from retainer.identity import passwords
from retainer.identity.users import accounts
from retainer.identity.users.model import UserCreate
from retainer.permissions import Role
from retainer.records.documents.storage import Storage
from retainer.server.http_server import HttpConnection, HttpServer, Workers
from retainer.server.postgres import embedded
from retainer.server.postgres.programs import EmbeddedError

STOP_SECONDS = 8  # for what is in flight; the whole stop stays under ten
WATCH_PAUSE = 0.3
BACKLOG = 2048

Seed = Callable[[Settings], Coroutine[None, None, None]]
Greeting = Callable[[], str]  # with the seconds until somebody can use it, so made no sooner


def serve(settings: Settings, *, seed: Seed | None = None, words: str = "") -> None:
    """The whole of `retainer serve`; `seed` fills an empty database first (the demo)."""
    started = time.monotonic()
    if settings.storage_url:
        Storage.of(settings).open()
    with listen(settings) as listening, database(bound(settings, listening)) as (ready, running):
        link = asyncio.run(prepare(ready, is_embedded=running is not None))
        if seed is not None:
            asyncio.run(seed(ready))
        (Path(ready.data) / ADDRESS).write_text(address(ready))
        export(ready)
        choose = f"Choose the first admin's password: {link}" if link else ""

        def greeting() -> str:
            first = f"Retainer is at {address(ready)} ({time.monotonic() - started:.1f} s)"
            return "\n".join(line for line in (first, choose, words) if line)

        run(ready, listening, running, greeting)


@contextmanager
def database(settings: Settings) -> Iterator[tuple[Settings, embedded.Embedded | None]]:
    """The settings with a database that answers: the operator's own, or the embedded one while this
    lasts.
    """
    folder = Path(settings.data) if settings.data else embedded.default_data()
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"The data folder {folder} is not a folder; choose another with --data.")
    if settings.database_url:
        folder.mkdir(parents=True, exist_ok=True)
        yield msgspec.structs.replace(settings, data=str(folder)), None
        return
    binaries = Path(settings.postgres_bin) if settings.postgres_bin else None
    running = embedded.start(folder, binaries)
    try:
        yield msgspec.structs.replace(settings, database_url=running.url, data=str(folder)), running
    finally:
        running.stop()


@contextmanager
def reachable(settings: Settings) -> Iterator[Settings]:
    """The same for a command: beside a running server its database is used, found by the data
    folder.
    """
    folder = Path(settings.data) if settings.data else embedded.default_data()
    url = settings.database_url or embedded.running(folder)
    if url:
        yield msgspec.structs.replace(settings, database_url=url, data=str(folder))
        return
    with database(settings) as (ready, _):
        yield ready


async def prepare(settings: Settings, *, is_embedded: bool) -> str | None:
    """Migrate (an operator's own database only when it is empty) and make the first admin; returns
    the set-up link when a person has to choose the password.
    """
    await migrate(settings.database_url, only_if_empty=not is_embedded)
    connection = await connect(settings.database_url)
    try:
        await _warn_if_unsafe(connection)
        async with connection.transaction():
            await connection.execute("LOCK TABLE tenants IN SHARE ROW EXCLUSIVE MODE")
            if await connection.fetchval("SELECT EXISTS (SELECT FROM tenants)"):
                return None
            return await _first_admin(connection, settings)
    finally:
        await connection.close()


async def _first_admin(connection: Connection, settings: Settings) -> str | None:
    email = settings.admin_email or "admin@example.com"
    password_hash = None
    if settings.admin_password:
        problem = passwords.weakness(settings.admin_password, email)
        if problem:
            raise ConfigError(f"{PREFIX}ADMIN_PASSWORD {problem}.")
        password_hash = await passwords.hashed(settings.admin_password)
    with _naming_settings():
        tenant = await accounts.create_tenant(connection, settings.tenant, settings.time_zone)
        admin = UserCreate(email, email.partition("@")[0].capitalize(), Role.ADMIN)
        user = await accounts.create_user(connection, tenant, admin, password_hash)
    if password_hash:
        return None
    token = await accounts.make_link(connection, tenant, user, settings.link_hours)
    return f"{address(settings)}/setup#token={token}  (for {email}, within {settings.link_hours:g} hours)"


@contextmanager
def _naming_settings() -> Iterator[None]:
    """What is wrong with the first tenant or admin, by the setting it came from."""
    settings = {"name": "tenant", "timeZone": "time_zone", "username": "admin_email"}
    try:
        yield
    except Problem as problem:
        wrong = [
            f"{PREFIX}{settings[e.field].upper()} {e.message}"
            for e in problem.errors
            if e.field in settings
        ]
        raise ConfigError(f"{'; '.join(wrong) or problem.detail}.") from None


async def _warn_if_unsafe(connection: Connection) -> None:
    """Whoever turned durability off should read it at every start."""
    for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
        value = await connection.fetchval(f"SHOW {name}")
        if value == "off":
            print(
                f"WARNING: {name} is off in this PostgreSQL: acknowledged changes can be lost.",
                file=sys.stderr,
            )


def listen(settings: Settings) -> socket.socket:
    """The socket that all server processes share; a taken port is said before anything is started."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
        listening.listen(BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"Port {settings.port} is taken; choose another with --port."
            ) from None
        raise ConfigError(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}."
        ) from None
    listening.set_inheritable(True)
    return listening


def bound(settings: Settings, listening: socket.socket) -> Settings:
    """With the port that was found where any would do (0)."""
    return msgspec.structs.replace(settings, port=listening.getsockname()[1])


def export(settings: Settings) -> None:
    """Hand the settings to the server processes, which read the environment."""
    for name in SECRETS:
        os.environ.pop(f"{PREFIX}{name.upper()}_FILE", None)
    for name in Settings.__struct_fields__:
        value = getattr(settings, name)
        os.environ.pop(PREFIX + name.upper(), None)
        if value != getattr(DEFAULTS, name):
            os.environ[PREFIX + name.upper()] = str(value)


def run(
    settings: Settings,
    listening: socket.socket,
    running: embedded.Embedded | None,
    greeting: Greeting,
) -> None:
    """Serve until a signal says stop: in this process, or in as many of their own as were asked
    for.
    """
    options = _options(settings)
    stopping = threading.Event()
    threading.Thread(
        target=_watch, args=(settings, running, greeting, stopping), daemon=True
    ).start()
    # The server raises the signal that stopped it once more when it has ended; there is still the
    # database to stop.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: None)
    try:
        if settings.workers > 1:
            Workers(options, sockets=[listening]).run()
        else:
            HttpServer(options).run(sockets=[listening])
    finally:
        stopping.set()


def _options(settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        "retainer.server.app:build",
        factory=True,
        loop="uvloop",
        http=HttpConnection,
        ws="none",
        lifespan="on",
        workers=settings.workers,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def _watch(
    settings: Settings,
    running: embedded.Embedded | None,
    greeting: Greeting,
    stopping: threading.Event,
) -> None:
    """Greet once the server answers; start the embedded database again whenever it has died."""
    greeted = False
    while not stopping.wait(WATCH_PAUSE if greeted else 0.05):
        if not greeted and _answers(settings):
            print(greeting(), file=sys.stderr, flush=True)
            greeted = True
        if running is not None and not running.alive():
            print(
                "The embedded PostgreSQL has died; starting it again.", file=sys.stderr, flush=True
            )
            with suppress(EmbeddedError):
                running.revive()


def _answers(settings: Settings) -> bool:
    try:
        with urllib.request.urlopen(f"{local_address(settings)}/healthz", timeout=1) as answer:  # noqa: S310 -- our own
            return bool(answer.status == 200)
    except OSError:
        return False
