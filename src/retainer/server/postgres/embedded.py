"""The embedded PostgreSQL: its data folder, its cluster, its start and its end.

A data folder holds `lock` (held while in use), `postgres` (the cluster; its superuser is
`postgres`, its role and its database are `retainer`), `postgres.log`, and `socket`, the only place
where it listens. Under root, PostgreSQL gets an unprivileged account, which owns `postgres` and
`socket` and nothing else.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote

from retainer.server.postgres.postmaster import Place, adopt, answers, exists, launch, read_pid_file
from retainer.server.postgres.programs import (
    OURSELVES,
    STATE,
    Account,
    Command,
    EmbeddedError,
    account_for,
    find,
    make,
    private,
    reachable,
    run,
    telling,
    version,
)

# In postgresql.conf from the first day; from then on the operator's to tune.
AT_FIRST = ["shared_buffers=256MB", "max_connections=100", "max_wal_size=1GB", "jit=off"]
LOCALE = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
ACCESS = ["--username=postgres", "--auth-local=trust", "--auth-host=reject", "--data-checksums"]
# Errors in the owner's statements are the application's to log; the server's own stay in
# postgres.log.
OWNER = """CREATE ROLE retainer LOGIN CREATEROLE
ALTER ROLE retainer SET log_min_messages = 'log'
CREATE DATABASE retainer OWNER retainer
"""


class Hold:
    """The data folder, for this process alone until released or until the process ends."""

    def __init__(self, data: Path, file: int) -> None:
        self.data, self._file, self._released = data, file, False
        HELD.add(data)

    def release(self) -> None:
        if not self._released:
            self._released = True
            HELD.remove(self.data)
            os.close(self._file)


# A record lock is the process's: taking it twice succeeds, and closing the second file drops the
# first's.
HELD: set[Path] = set()


class Embedded:
    """A running PostgreSQL of our own."""

    def __init__(self, held: Hold, place: Place) -> None:
        self.bin, self._held, self._place = place.bin, held, place
        self._postmaster = adopt(place) or launch(place)
        self.url = url("retainer", self._postmaster.socket)
        self.superuser_url = url("postgres", self._postmaster.socket)

    def alive(self) -> bool:
        return self._postmaster.alive()

    def revive(self) -> None:
        """Starts it again, at the same URL, when its postmaster has died."""
        if not self.alive():
            self._postmaster = launch(self._place)

    def stop(self) -> None:
        """Fast shutdown, immediate after five seconds; frees the data folder."""
        self._postmaster.stop()
        self._held.release()


def start(data: Path, binaries: Path | None = None) -> Embedded:
    """The PostgreSQL of this data folder: made where there is none, adopted where it runs, else
    started.
    """
    data = data.absolute().resolve()
    account = account_for(data / "postgres")
    refuse_barred(data, account)
    held = hold(data)
    try:
        return Embedded(held, settle(Place(data, reachable(find(binaries), account), account)))
    except BaseException as error:
        held.release()
        if isinstance(error, OSError):
            raise EmbeddedError(f"the database in {data} cannot start: {error}") from error
        raise


def running(data: Path) -> str | None:
    """The owner's URL of the PostgreSQL that another process runs on this data folder, or None."""
    found = read_pid_file(data.absolute().resolve() / "postgres")
    if found is None or not exists(found.pid) or not answers(found.socket):
        return None
    return url("retainer", found.socket)


def url(role: str, folder: str) -> str:
    return f"postgresql://{role}@/retainer?host={quote(folder, safe='')}&port=5432"


def default_data(name: str = "") -> Path:
    """Where the data goes when nobody says: the system's state for root, else the user's own."""
    if os.geteuid() == 0:
        return STATE / (name or "data")
    home = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (
        (home if home.is_absolute() else Path.home() / ".local/share")
        / "retainer"
        / (name or "data")
    )


def refuse_barred(data: Path, account: Account) -> None:
    for folder in [*reversed(data.parents), data]:
        if account is OURSELVES or not folder.exists():
            return
        status = folder.stat()
        group = stat.S_IXGRP if status.st_gid == account.gid else stat.S_IXOTH
        if not status.st_mode & (stat.S_IXUSR if status.st_uid == account.uid else group):
            bars = (
                f"{folder} does not let PostgreSQL's account (uid {account.uid}) through to {data}"
            )
            raise EmbeddedError(f"{bars}: choose a data folder elsewhere with --data")


def hold(data: Path) -> Hold:
    """The data folder, made where missing; another process that wants it is told who has it."""
    data = data.absolute().resolve()
    if data in HELD:
        raise EmbeddedError(f"data folder {data} is in use by process {os.getpid()}, this one")
    try:
        make(data)
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
    return Hold(data, file)


def settle(place: Place) -> Place:
    """Makes the cluster where there is none, and refuses one that these binaries cannot run."""
    cluster, account = place.cluster, place.account
    if not cluster.exists() or not any(cluster.iterdir()):
        create(place)
    if account is not OURSELVES and cluster.stat().st_uid == 0:
        for path in [
            *cluster.rglob("*"),
            cluster,
        ]:  # restored by root; itself last, for a second try
            os.lchown(path, *account)
    try:
        made_by, ours = int((cluster / "PG_VERSION").read_text()), version(place.bin)[0]
    except (FileNotFoundError, ValueError) as error:
        raise EmbeddedError(
            f"{cluster} is not a whole cluster: move it away, or restore a backup"
        ) from error
    if made_by != ours:
        which = f"data folder {place.data} is PostgreSQL {made_by}'s and {place.bin} is PostgreSQL {ours}"
        raise EmbeddedError(
            f"{which}: use binaries of {made_by}, or restore a backup into a new data folder"
        )
    return place


def create(place: Place) -> None:
    # Beside its place and renamed when complete, so that half of one is never taken for a cluster.
    fresh = place.data / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    private(fresh, place.account)
    initdb: Command = ["-D", fresh, *LOCALE, *ACCESS, *(f"--set={each}" for each in AT_FIRST)]
    owner: Command = ["--single", "-D", fresh, "postgres"]
    for program, options, typed in (("initdb", initdb, ""), ("postgres", owner, OWNER)):
        failed, _, said = run([place.bin / program, *options], place.account, typed)
        if failed or "ERROR:" in said:  # a refused statement alone does not fail the program
            raise EmbeddedError(f"the database cannot be made in {place.data}: {telling(said)}")
    fresh.rename(place.cluster)
    file = os.open(place.data, os.O_RDONLY)
    os.fsync(file)  # the new name
    os.close(file)
