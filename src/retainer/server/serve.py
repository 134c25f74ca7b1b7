"""Start and stop of the database and the server processes; the first admin; the watch over both."""

import asyncio
import errno
import os
import socket
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from retainer.config import (
    BASE_URL_FILE,
    DEFAULTS,
    PREFIX,
    SECRETS,
    ConfigError,
    Settings,
    base_url,
)
from retainer.database.migrate import migrate
from retainer.database.pool import Connection, connect
from retainer.errors import Problem, Unavailable
from retainer.http.log import Log
from retainer.http.shares.holder import OPERATOR
from retainer.identity import passwords
from retainer.identity.users import accounts
from retainer.identity.users.model import UserCreate
from retainer.nouns import NOUNS
from retainer.permissions import Role
from retainer.records.documents import storage_mark
from retainer.records.documents.storage import Storage
from retainer.server import limits, privileges, signals
from retainer.server.http_server import HttpConnection, HttpServer, Options, Workers
from retainer.server.postgres import embedded
from retainer.server.schema_check import check_schema
from retainer.server.startup import Handover, StartupResponder, when_database_answers
from retainer.server.supervisor import Supervisor

STOP_SECONDS = 8  # for requests in flight; the whole stop stays under ten
BACKLOG = 2048

Seed = Callable[[Settings], Coroutine[None, None, None]]


def serve(settings: Settings, *, seed: Seed | None = None, closing_lines: str = "") -> None:
    """Run `retainer serve` until it is stopped; `seed` fills an empty database first (the demo)."""
    started = time.monotonic()
    signals.stop_by_exit()
    limits.raise_open_files()
    limits.warn_of_little_memory()
    listener = listen(settings)
    settings = privileges.give_up(settings, is_required=seed is None)
    if settings.storage_url:
        Storage.of(settings).open()
    handover = Handover(settings.workers)
    with (
        listener,
        StartupResponder(listener, handover),
        database(bound(settings, listener)) as (ready, embedding),
    ):
        log = Log(settings.log)
        setup_link = when_database_answers(
            lambda: prepare(ready, log, is_embedded=embedding is not None), log
        )
        if seed is not None:
            asyncio.run(seed(ready))
        (Path(ready.data) / BASE_URL_FILE).write_text(base_url(ready))
        privileges.note_roots_files(Path(ready.data))
        export(ready)

        def greeting() -> str:
            lines = [f"Retainer is at {base_url(ready)} ({time.monotonic() - started:.1f} s)"]
            if setup_link:
                lines.append(f"Choose the first admin's password: {setup_link}")
            if closing_lines:
                lines.append(closing_lines)
            return "\n".join(lines)

        run(ready, listener, handover, Supervisor(ready, embedding, greeting))


@contextmanager
def database(settings: Settings) -> Iterator[tuple[Settings, embedded.Embedded | None]]:
    """Settings with the URL of a database that answers: the operator's own, or the embedded one,
    which runs until the block ends.
    """
    folder = _data_folder(settings)
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"The data folder {folder} is not a folder; choose another with --data.")
    if settings.database_url:
        folder.mkdir(parents=True, exist_ok=True)
        yield msgspec.structs.replace(settings, data=str(folder)), None
        return
    binaries = None
    if settings.postgres_bin:
        binaries = Path(settings.postgres_bin)
    embedding = embedded.start(folder, binaries)
    try:
        ready = msgspec.structs.replace(settings, database_url=embedding.url, data=str(folder))
        yield ready, embedding
    finally:
        embedding.stop()


@contextmanager
def reachable(settings: Settings) -> Iterator[Settings]:
    """Settings with the URL of a database for a command: beside a running server that server's,
    found by the data folder.
    """
    settings = privileges.give_up(settings, is_required=False)
    folder = _data_folder(settings)
    url = settings.database_url or embedded.running(folder)
    if url:
        yield msgspec.structs.replace(settings, database_url=url, data=str(folder))
        return
    with database(settings) as (ready, _):
        yield ready


def _data_folder(settings: Settings) -> Path:
    if settings.data:
        return Path(settings.data)
    return embedded.default_data()


async def prepare(settings: Settings, log: Log, *, is_embedded: bool) -> str | None:
    """Migrate (an operator's own database only when it is empty) and make the first admin; returns
    the set-up link when a person has to choose the password.
    """
    await migrate(
        settings.database_url,
        only_if_empty=not is_embedded,
        log=log,
        tell=lambda words: log.event("migration tells", words=words),
    )
    connection = await connect(settings.database_url)
    try:
        await check_schema(connection, NOUNS.values())
        await _warn_if_unsafe(connection)
        await _compare_storage(connection, Storage.of(settings), log)
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
        problem = passwords.weakness(settings.admin_password, email, settings.tenant)
        if problem:
            raise ConfigError(f"{PREFIX}ADMIN_PASSWORD {problem}.")
        password_hash = await passwords.hashed(settings.admin_password, OPERATOR)
    with _naming_settings():
        tenant = await accounts.create_tenant(
            connection, settings.tenant, settings.time_zone, settings.country or None
        )
        admin = UserCreate(email, accounts.name_from_email(email), Role.ADMIN)
        user = await accounts.create_user(connection, tenant, admin, password_hash)
    if password_hash:
        return None
    hours = settings.link_hours
    token = await accounts.make_link(connection, tenant, user, hours)
    return f"{base_url(settings)}/setup#token={token}  (for {email}, within {hours:g} hours)"


@contextmanager
def _naming_settings() -> Iterator[None]:
    """Turn a refusal of the first tenant or admin into one that names the setting at fault."""
    settings = {
        "name": "tenant",
        "timeZone": "time_zone",
        "country": "country",
        "username": "admin_email",
    }
    try:
        yield
    except Problem as problem:
        wrong = [
            f"{PREFIX}{settings[error.field].upper()} {error.message}"
            for error in problem.errors
            if error.field in settings
        ]
        raise ConfigError(f"{'; '.join(wrong) or problem.detail}.") from None


async def _compare_storage(connection: Connection, storage: Storage, log: Log) -> None:
    """Refuse a storage that is not this database's; one that does not answer is not waited for."""
    try:
        await storage_mark.refuse_other(connection, storage)
    except Unavailable as error:
        log.event("the storage was not compared", storage=storage.place, reason=error.detail)


async def _warn_if_unsafe(connection: Connection) -> None:
    """Warn at every start while durability is turned off."""
    for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
        value = await connection.fetchval(f"SHOW {name}")
        if value == "off":
            print(
                f"WARNING: {name} is off in this PostgreSQL: acknowledged changes can be lost.",
                file=sys.stderr,
            )


def listen(settings: Settings) -> socket.socket:
    """The socket that all server processes share. Opened first, so that a taken port is reported
    before a database starts.
    """
    family = socket.AF_INET
    if ":" in settings.host:
        family = socket.AF_INET6
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"Port {settings.port} is taken; choose another with --port."
            ) from None
        raise ConfigError(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}."
        ) from None
    listener.set_inheritable(True)
    return listener


def bound(settings: Settings, listener: socket.socket) -> Settings:
    """Settings with the port that the system chose, where 0 asked for any."""
    return msgspec.structs.replace(settings, port=listener.getsockname()[1])


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
    settings: Settings, listener: socket.socket, handover: Handover, supervisor: Supervisor
) -> None:
    """Serve until a signal says stop: in this process, or in `workers` processes of their own."""
    options = _options(settings, handover)
    supervisor.start()
    # When uvicorn has ended it raises the signal that stopped it once more. Ignored here, or it
    # would end this process before the database is stopped.
    signals.ignore(signals.handled())
    try:
        if settings.workers > 1:
            Workers(options, sockets=[listener]).run()
        else:
            HttpServer(options).run(sockets=[listener])
    finally:
        supervisor.stop()


def _options(settings: Settings, handover: Handover) -> Options:
    options = Options(
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
    options.before_accepting = handover.take
    return options
