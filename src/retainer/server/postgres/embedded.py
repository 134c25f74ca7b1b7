"""The embedded PostgreSQL: its data folder, its cluster, its start and its stop.

A data folder holds `lock` (locked while in use), `postgres` (the cluster; its superuser is
`postgres`, our role and our database are `retainer`), `postgres.log`, and `socket`, the only place
where PostgreSQL listens. Under root it runs as our account (files/account.py), which owns
`postgres` and `socket`, and the rest too when the server runs as it.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote

from retainer.config import Settings
from retainer.files import account
from retainer.files.account import Account
from retainer.server.postgres.ownership import may_take, take_cluster
from retainer.server.postgres.postmaster import (
    Installation,
    accepts_connections,
    adopt,
    is_alive,
    launch,
    read_pid_file,
    socket_folder,
    turn_log,
)
from retainer.server.postgres.programs import (
    STATE,
    Command,
    EmbeddedError,
    find,
    main_error,
    make_folder,
    make_private,
    run,
    runnable,
    version,
)

# Written to postgresql.conf once; from then on the operator tunes them there.
INITIAL_SETTINGS = ["shared_buffers=256MB", "max_connections=100", "max_wal_size=1GB", "jit=off"]
LOCALE = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
ACCESS = ["--username=postgres", "--auth-local=peer", "--auth-host=reject", "--data-checksums"]
# By the name of the account at the other end of the socket, which PostgreSQL asks the system for.
HEADING = "# Written by Retainer at each start.\n"
ACCESS_RULES = f"""{HEADING}local all         all peer map=retainer
local replication all peer map=retainer
"""
ACCOUNTS = """{heading}retainer "{account}" all
retainer root all
"""
# Failed statements are logged by the application; postgres.log keeps the server's own messages.
OWNER = """CREATE ROLE retainer LOGIN CREATEROLE
ALTER ROLE retainer SET log_min_messages = 'log'
CREATE DATABASE retainer OWNER retainer
"""


class FolderLock:
    """Lock of a data folder, until it is released or the process ends."""

    def __init__(self, data: Path, file: int) -> None:
        self.data, self._file, self._released = data, file, False
        LOCKED.add(data)

    def release(self) -> None:
        if not self._released:
            self._released = True
            LOCKED.remove(self.data)
            os.close(self._file)


# Folders that this process has locked. The system's record lock does not tell: it belongs to the
# process, so locking twice succeeds, and closing the second file would drop the first lock.
LOCKED: set[Path] = set()


class Embedded:
    """A running embedded PostgreSQL."""

    def __init__(self, lock: FolderLock, installation: Installation) -> None:
        self.bin, self._lock, self._installation = installation.bin, lock, installation
        adopted = adopt(installation)
        if adopted:
            adopted.reload()  # an older release's lets everybody in who reaches the socket
        self._postmaster = adopted or launch(installation)
        self.url = url("retainer", self._postmaster.socket)
        self.superuser_url = url("postgres", self._postmaster.socket)

    def alive(self) -> bool:
        return self._postmaster.alive()

    @property
    def cluster(self) -> Path:
        """The folder of the database's files."""
        return self._installation.cluster

    def is_stopping(self) -> bool:
        """True when somebody told it to stop: it serves whom it knows, and takes nobody else."""
        return self._postmaster.status() == "stopping"

    def revive(self) -> None:
        """Start it again, at the same URL, when its postmaster has died or was told to stop."""
        if self.alive():
            self._postmaster.stop()
        self._postmaster = launch(self._installation)

    def turn_log(self) -> None:
        """Keep postgres.log short."""
        turn_log(self._installation.data / "postgres.log")

    def stop(self) -> None:
        """Stop it, and unlock the data folder."""
        self._postmaster.stop()
        self._lock.release()


def start(data: Path, binaries: Path | None = None) -> Embedded:
    """Start the PostgreSQL of a data folder, or adopt the one that runs there. Makes the cluster
    where there is none. Raises EmbeddedError.
    """
    data = data.absolute().resolve()
    worker = account.for_work()
    refuse_unreachable(data, worker)
    if os.geteuid() == 0 and (data / "postgres").exists():
        may_take(data, worker)
    lock = lock_folder(data)
    try:
        installation = Installation(data, runnable(find(binaries), worker), worker)
        prepare(installation)
        return Embedded(lock, installation)
    except BaseException as error:
        lock.release()
        if isinstance(error, OSError):
            raise EmbeddedError(f"the database in {data} cannot start: {error}") from error
        raise


def running(data: Path) -> str | None:
    """The owner's URL of the PostgreSQL that another process runs on this data folder, or None."""
    found = read_pid_file(data.absolute().resolve() / "postgres")
    if found is None or not is_alive(found.pid) or not accepts_connections(found.socket):
        return None
    return url("retainer", found.socket)


def cluster_of(settings: Settings) -> Path | None:
    """The files of the embedded database that these settings lead to; None for another one."""
    if not settings.data:
        return None
    data = Path(settings.data).absolute().resolve()
    if settings.database_url != url("retainer", str(socket_folder(data))):
        return None
    return data / "postgres"


def url(role: str, folder: str) -> str:
    return f"postgresql://{role}@/retainer?host={quote(folder, safe='')}&port=5432"


def default_data(name: str = "") -> Path:
    """Default data folder: in the system's state for root, else among the user's data."""
    if os.geteuid() == 0:
        return STATE / (name or "data")
    home = Path(os.environ.get("XDG_DATA_HOME", ""))
    if not home.is_absolute():  # as the XDG specification asks
        home = Path.home() / ".local/share"
    return home / "retainer" / (name or "data")


def refuse_unreachable(data: Path, account: Account) -> None:
    """Raise EmbeddedError when a parent folder bars PostgreSQL's account."""
    if os.geteuid() != 0:
        return
    for folder in [*reversed(data.parents), data]:
        if not folder.exists():
            return
        if not may_enter(folder.stat(), account):
            raise EmbeddedError(
                f"{folder} does not let PostgreSQL's account ({account.name}) through to {data}:"
                " choose a data folder elsewhere with --data, or the account with RETAINER_USER"
            )


def may_enter(folder: os.stat_result, account: Account) -> bool:
    if folder.st_uid == account.uid:
        return bool(folder.st_mode & stat.S_IXUSR)
    if folder.st_gid == account.gid:
        return bool(folder.st_mode & stat.S_IXGRP)
    return bool(folder.st_mode & stat.S_IXOTH)


def lock_folder(data: Path) -> FolderLock:
    """Lock the data folder, made where missing. Raises EmbeddedError, with the process that has the
    lock.
    """
    data = data.absolute().resolve()
    if data in LOCKED:
        raise EmbeddedError(f"data folder {data} is in use by process {os.getpid()}, this one")
    try:
        make_folder(data)
        tempfile.TemporaryFile(dir=data).close()
        file = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        remedy = "choose another with --data, or change its owner"
        raise EmbeddedError(
            f"data folder {data} is not writable ({error.strerror}): {remedy}"
        ) from error
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
    except OSError as error:
        holder = os.pread(file, 20, 0).decode() or "unknown"
        os.close(file)
        if isinstance(error, BlockingIOError | PermissionError):
            raise EmbeddedError(
                f"data folder {data} is in use by process {holder}: stop it first"
            ) from error
        raise EmbeddedError(f"data folder {data} cannot be locked: {error.strerror}") from error
    return FolderLock(data, file)


def prepare(installation: Installation) -> None:
    """Make the cluster where there is none; refuse one that these programs cannot run."""
    cluster = installation.cluster
    if not cluster.exists() or not any(cluster.iterdir()):
        create(installation)
    if (cluster / "standby.signal").exists():
        raise EmbeddedError(
            f"{cluster} is a standby of another server, and would never be writable:"
            " promote it first (pg_ctl promote), or remove standby.signal"
        )
    if os.geteuid() == 0:
        take_cluster(installation)
    try:
        made_by, ours = int((cluster / "PG_VERSION").read_text()), version(installation.bin)[0]
    except (FileNotFoundError, ValueError) as error:
        raise EmbeddedError(
            f"{cluster} is not a whole cluster: move it away, or restore a backup"
        ) from error
    if made_by != ours:
        which = (
            f"data folder {installation.data} is PostgreSQL {made_by}'s"
            f" and {installation.bin} is PostgreSQL {ours}"
        )
        raise EmbeddedError(
            f"{which}: use binaries of {made_by}, or restore a backup into a new data folder"
        )
    write_access(installation)


def write_access(installation: Installation) -> None:
    """Write who may connect, as which role: our account and root alone. An operator's own file
    stays beside it.
    """
    account = installation.account
    for name, text in (
        ("pg_hba.conf", ACCESS_RULES),
        ("pg_ident.conf", ACCOUNTS.format(heading=HEADING, account=account.name)),
    ):
        file, new = installation.cluster / name, installation.cluster / f"{name}.new"
        if file.exists() and file.read_text() == text:
            continue
        if file.exists() and not file.read_text().startswith(HEADING):
            file.replace(f"{file}.before")
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(text)
            os.fchown(opened.fileno(), account.uid, account.gid)
        new.replace(file)


def create(installation: Installation) -> None:
    """Make the cluster, with our role and database."""
    # Under another name until it is complete: half a cluster must never be taken for one.
    fresh = installation.data / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    make_private(fresh, installation.account)
    settings = [f"--set={each}" for each in INITIAL_SETTINGS]
    initdb: Command = ["-D", fresh, *LOCALE, *ACCESS, *settings]
    owner: Command = ["--single", "-D", fresh, "postgres"]
    for program, options, input in (("initdb", initdb, ""), ("postgres", owner, OWNER)):
        command = [installation.bin / program, *options]
        status, _, errors = run(command, installation.account, input)
        if status or "ERROR:" in errors:  # a refused statement does not change the exit status
            raise EmbeddedError(
                f"the database cannot be made in {installation.data}: {main_error(errors)}"
            )
    fresh.rename(installation.cluster)
    file = os.open(installation.data, os.O_RDONLY)
    os.fsync(file)  # makes the new name durable
    os.close(file)
