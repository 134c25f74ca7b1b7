"""PostgreSQL's first process, the postmaster: started on a cluster, found running on one, and
stopped.
"""

import hashlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from retainer.server.postgres.programs import (
    Account,
    Child,
    EmbeddedError,
    private,
    process,
    telling,
)

NO_PROCESS = 2**31 - 1  # Linux counts to 2**22
LARGEST_LOG = 8_000_000  # bytes; a larger one becomes postgres.log.1 at the next start

# On the command line, so that no edited postgresql.conf makes a write less durable or opens a port.
DURABLE = ["fsync=on", "full_page_writes=on", "synchronous_commit=on"]
CLOSED = ["listen_addresses=", "port=5432", "unix_socket_permissions=0700"]
LOGGED = ["timezone=UTC", "log_timezone=UTC", "logging_collector=off", "log_destination=stderr"]
DISCREET = ["log_min_error_statement=panic"]  # a failed statement's text carries personal data


class Place(NamedTuple):
    """A data folder, the programs that run its cluster, and whom they run as."""

    data: Path
    bin: Path
    account: Account

    @property
    def cluster(self) -> Path:
        return self.data / "postgres"


class Postmaster:
    """A running one: our own child, or one that an earlier process of ours left behind."""

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
                raise EmbeddedError(
                    f"PostgreSQL on {self.cluster} is not ready in time: see postgres.log"
                )
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
    """What PostgreSQL writes into postmaster.pid about itself; `socket` is the folder of its
    socket.
    """

    pid: int
    data: str
    socket: str
    status: str


def adopt(place: Place) -> Postmaster | None:
    """The postmaster of a process that was killed; whether a file without one is stale, PostgreSQL
    judges.
    """
    found = read_pid_file(place.cluster)
    # In a copied folder the file leads to the original's postmaster, and so to the original's data.
    if (
        not found
        or Path(found.data) != place.cluster
        or not exists(found.pid)
        or not answers(found.socket)
    ):
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
        forget_dead(place)
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
    """Whether it was refused for what a killed postmaster leaves for a moment: its number, or its
    memory.
    """
    found = read_pid_file(cluster)
    dying = "already exists" in said and not (found and exists(found.pid))
    return dying or "shared memory block" in said


def forget_dead(place: Place) -> None:
    """Where PostgreSQL's lock files name a process that is dead and that nobody has collected yet,
    name one that cannot be: to PostgreSQL a dead one looks alive, for as long as its new parent
    takes. What else the files tell stays, and is still checked.
    """
    for file in (
        place.cluster / "postmaster.pid",
        Path(f"{socket_in(socket_folder(place.data))}.lock"),
    ):
        with suppress(FileNotFoundError, ValueError, IndexError):
            lines = file.read_text().splitlines(keepends=True)
            if not exists(int(lines[0])):
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
    child = process(
        [place.bin / "postgres", "-D", place.cluster, *settings], place.account, **options
    )
    return Postmaster(place.cluster, child.pid, str(folder), child)


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
        return (
            ") Z " not in Path(f"/proc/{pid}/stat").read_text()
        )  # dead, its parent has yet to notice
    return True


def answers(folder: str) -> bool:
    """Whether PostgreSQL replies there to the shortest question, whether it takes TLS (on a socket:
    no).
    """
    with socket.socket(socket.AF_UNIX) as asking, suppress(OSError):
        asking.settimeout(5)
        asking.connect(socket_in(folder))
        asking.sendall(bytes.fromhex("0000000804d2162f"))
        return asking.recv(1) in (b"N", b"S")
    return False
