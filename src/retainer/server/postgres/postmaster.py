"""The postmaster, PostgreSQL's first process: started on a cluster, or found running on one;
stopped.
"""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from retainer.files.account import Account
from retainer.server.postgres.programs import (
    Child,
    EmbeddedError,
    main_error,
    make_private,
    start_process,
)

NO_PROCESS = 2**31 - 1  # Linux counts to 2**22
LARGEST_LOG = 8_000_000  # bytes; a larger one becomes postgres.log.1
LONGEST_ADDRESS = 107  # bytes of a Unix socket's path
SILENCE_SECONDS = 30  # without a sign of progress
# In a recovery, which may read archives for hours: between two lines that say it goes on.
TELL_SECONDS = 60

# On the command line, so that no edited postgresql.conf makes a write less durable or opens a port.
DURABLE = ["fsync=on", "full_page_writes=on", "synchronous_commit=on"]
CLOSED = ["listen_addresses=", "port=5432", "unix_socket_permissions=0700"]
LOGGING = ["timezone=UTC", "log_timezone=UTC", "logging_collector=off", "log_destination=stderr"]
# A failed statement's text carries personal data.
WITHOUT_STATEMENTS = ["log_min_error_statement=panic"]
# The journal is put into the order of commits.
ORDERED = ["track_commit_timestamp=on"]
# A recovery to a point in time ends before anybody is served, and the server is then writable.
RECOVERED = ["hot_standby=off", "recovery_target_action=promote"]


class Installation(NamedTuple):
    """A data folder, the programs that run its cluster, and the account that they run as."""

    data: Path
    bin: Path
    account: Account

    @property
    def cluster(self) -> Path:
        return self.data / "postgres"


class Postmaster:
    """A running postmaster: our own child, or one that an earlier process of ours left behind."""

    def __init__(self, cluster: Path, pid: int, socket: str, child: Child | None = None) -> None:
        self.cluster, self.pid, self.socket, self._child = cluster, pid, socket, child

    def alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        return is_postmaster(self.pid, self.cluster)

    def status(self) -> str:
        """`starting`, `standby`, `ready` or `stopping`; empty before and after."""
        found = read_pid_file(self.cluster)
        if found is None or found.pid != self.pid:
            return ""
        return found.status

    def wait_until_ready(self) -> bool:
        """False when it died. Raises EmbeddedError after SILENCE_SECONDS; while it reports a
        recovery, it is waited for.
        """
        silent_since = told = time.monotonic()
        while self.alive():
            status, now = self.status(), time.monotonic()
            if status == "ready" and accepts_connections(self.socket):
                return True
            if status in ("starting", "standby"):
                silent_since = now
                if now - told > TELL_SECONDS:
                    told = now
                    print("PostgreSQL is recovering: see postgres.log.", file=sys.stderr)
            if now - silent_since > SILENCE_SECONDS:
                raise EmbeddedError(
                    f"PostgreSQL on {self.cluster} is not ready in time: see postgres.log"
                )
            time.sleep(0.01)
        return False

    def wait_until_gone(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self.alive() and time.monotonic() < until:
            time.sleep(0.01)

    def reload(self) -> None:
        """Have it read its configuration anew."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGHUP)

    def stop(self) -> None:
        """Fast shutdown; immediate after five seconds."""
        for signal_number, seconds in ((signal.SIGINT, 5.0), (signal.SIGQUIT, 8.0)):
            if self.alive():
                os.kill(self.pid, signal_number)
                self.wait_until_gone(seconds)


class PidFile(NamedTuple):
    """The facts that PostgreSQL writes into postmaster.pid; `socket` is a folder."""

    pid: int
    data: str
    socket: str
    status: str


def adopt(installation: Installation) -> Postmaster | None:
    """The postmaster that a killed process of ours left running, or None. A pid file alone proves
    nothing; at the next start PostgreSQL judges whether it is stale.
    """
    found = read_pid_file(installation.cluster)
    # In a copied data folder the file leads to the original's postmaster, and so to its data.
    if found is None or Path(found.data) != installation.cluster:
        return None
    if not is_postmaster(found.pid, installation.cluster):
        return None
    postmaster = Postmaster(installation.cluster, found.pid, found.socket)
    if found.status == "stopping":
        postmaster.stop()  # it would wait for its last client, whoever that is
        return None
    if not accepts_connections(found.socket):
        return None
    if not postmaster.wait_until_ready():
        return None
    return postmaster


def launch(installation: Installation) -> Postmaster:
    """Start a postmaster and wait until it is ready; repeated for ten seconds while a killed one
    still holds the cluster.
    """
    until = time.monotonic() + 10
    while True:
        log = open_log(installation.data / "postgres.log")
        start = os.fstat(log).st_size
        blank_dead_pids(installation)
        postmaster = spawn(installation, log)
        try:
            if postmaster.wait_until_ready():
                return postmaster
            output = os.pread(log, 1_000_000, start).decode(errors="replace")
        except BaseException:
            postmaster.stop()
            raise
        finally:
            os.close(log)
        if not is_held_by_dead(installation.cluster, output) or time.monotonic() > until:
            raise EmbeddedError(
                f"PostgreSQL does not start on {installation.data}: {main_error(output)}"
            )
        time.sleep(0.05)


def is_held_by_dead(cluster: Path, output: str) -> bool:
    """True when the start failed over something that a killed postmaster leaves for a moment: its
    process id, or its shared memory.
    """
    if "shared memory block" in output:
        return True
    if "already exists" not in output:
        return False
    found = read_pid_file(cluster)
    return found is None or not is_postmaster(found.pid, Path(found.data))


def blank_dead_pids(installation: Installation) -> None:
    """Replace the process ids of dead postmasters in PostgreSQL's lock files by NO_PROCESS.

    A killed process keeps its id until its new parent has collected it, and after a power cut
    another process may have it: to PostgreSQL it looks alive. We hold the folder's lock, so nobody
    else starts one meanwhile. The other lines of the files stay, and PostgreSQL still checks them.
    """
    socket_lock = Path(f"{socket_in(socket_folder(installation.data))}.lock")
    for file in (installation.cluster / "postmaster.pid", socket_lock):
        with suppress(FileNotFoundError, ValueError, IndexError):
            lines = file.read_text().splitlines(keepends=True)
            # Its folder is another one in a copied folder, whose original may be running.
            if not is_postmaster(int(lines[0]), Path(lines[1].strip())):
                file.write_text("".join([f"{NO_PROCESS}\n", *lines[1:]]))


def open_log(log: Path) -> int:
    """File descriptor of the log, for appending and reading."""
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(f"{log}.1")
    return os.open(log, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)


def turn_log(log: Path) -> None:
    """Move what a large log holds to postgres.log.1. The running PostgreSQL keeps the file open, so
    the last bytes are copied and the file is emptied; it appends, and goes on from there.
    """
    if not log.exists() or log.stat().st_size <= LARGEST_LOG:
        return
    with log.open("r+b") as whole:
        whole.seek(-LARGEST_LOG, os.SEEK_END)
        turned = log.with_name(f"{log.name}.1")
        turned.touch(mode=0o600)
        turned.write_bytes(whole.read(LARGEST_LOG))
        whole.truncate(0)


def spawn(installation: Installation, log: int) -> Postmaster:
    folder = socket_folder(installation.data)
    make_private(folder, installation.account)
    listens = 'unix_socket_directories="{}"'.format(str(folder).replace('"', '""'))
    fixed = [*DURABLE, *CLOSED, *LOGGING, *WITHOUT_STATEMENTS, *ORDERED, *RECOVERED]
    settings = [f"--{each}" for each in [*fixed, listens]]
    child = start_process(
        [installation.bin / "postgres", "-D", installation.cluster, *settings],
        installation.account,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        # Ctrl-C reaches our session alone: PostgreSQL is stopped after the last request.
        start_new_session=True,
    )
    return Postmaster(installation.cluster, child.pid, str(folder), child)


def socket_folder(data: Path) -> Path:
    """The data folder's own; one elsewhere when its path is too long or cannot stand in a URL."""
    usual = data / "socket"
    # A comma separates hosts in a URL, even an encoded one.
    if len(os.fsencode(socket_in(usual))) <= LONGEST_ADDRESS and "," not in str(usual):
        return usual
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if os.geteuid() == 0:
        runtime = Path("/run")
    if not runtime.is_absolute() or not os.access(runtime, os.W_OK):
        runtime = Path(tempfile.gettempdir())
    return runtime / f"retainer-{hashlib.sha256(os.fsencode(data)).hexdigest()[:16]}"


def socket_in(folder: str | Path) -> str:
    return f"{folder}/.s.PGSQL.5432"


def read_pid_file(cluster: Path) -> PidFile | None:
    with suppress(FileNotFoundError, ValueError):
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        pid, data, _, _, folder, _, _, status, *_ = [*lines, *[""] * 8]
        return PidFile(int(pid), data, folder, status.strip())
    return None


def is_alive(pid: int) -> bool:
    """True for a process that runs; false for a zombie, which is dead and still has its id."""
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    with suppress(OSError):
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return True


def is_postmaster(pid: int, cluster: Path) -> bool:
    """True for a process that runs PostgreSQL and works in this cluster, as its postmaster does.
    Any other is one that has been given the same number.
    """
    process = Path(f"/proc/{pid}")
    try:
        if not is_alive(pid) or (process / "comm").read_text().strip() != "postgres":
            return False
        try:
            return (process / "cwd").readlink() == cluster
        except PermissionError:  # root in a container may not look: the account has to do
            return process.stat().st_uid == cluster.stat().st_uid
    except OSError:
        return False


def accepts_connections(folder: str) -> bool:
    """True when PostgreSQL replies to an SSLRequest, the shortest message of its protocol."""
    with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
        client.settimeout(5)
        client.connect(socket_in(folder))
        client.sendall(bytes.fromhex("0000000804d2162f"))
        return client.recv(1) in (b"N", b"S")
    return False
