"""Processes of the bench: started on one core, watched through /proc, ended by their own id."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
STOP_SECONDS = 15.0


@dataclass(frozen=True)
class Cores:
    """The core of the server under test, and the core of everything around it."""

    server: int
    around: int

    @property
    def shared(self) -> bool:
        return self.server == self.around


@dataclass(frozen=True)
class Account:
    """An unprivileged account, for PostgreSQL, which refuses to run as root."""

    uid: int
    gid: int


def cores() -> Cores:
    """The first two cores this process may use; one core twice where there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(server=usable[0], around=usable[1] if len(usable) > 1 else usable[0])


def start(
    command: Sequence[str],
    *,
    log: Path,
    core: int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
) -> subprocess.Popen[bytes]:
    """Start in a session of its own, its output in `log`; `core` None leaves every core to it."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else {**os.environ, **env},
            cwd=cwd,
            start_new_session=True,
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
            preexec_fn=None if core is None else partial(os.sched_setaffinity, 0, {core}),
        )


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """Ask it to end; after STOP_SECONDS kill it and what it started."""
    family = tree(process.pid)
    process.send_signal(how)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, for the message about a process that failed."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def tree(root: int) -> list[int]:
    """The process `root` and all its living descendants."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found = [root]
    for pid in found:
        found.extend(children.get(pid, []))
    return found


def naming(text: str) -> list[int]:
    """Processes whose command line names `text`, a path of the bench's own, with their descendants."""
    found: set[int] = set()
    for pid, _ in _parents():
        with contextlib.suppress(OSError):
            if text.encode() in Path(f"/proc/{pid}/cmdline").read_bytes() and pid != os.getpid():
                found.update(tree(pid))
    return sorted(found)


def cpu_seconds(root: int) -> float:
    """User and system time of the whole tree so far, children that ended included: of a server with
    all that it starts, such as Retainer's worker.
    """
    ticks = 0
    for pid in tree(root):
        with contextlib.suppress(OSError):
            ticks += sum(int(value) for value in _stat(pid)[11:15])
    return ticks / TICKS_PER_SECOND


def rss_bytes(pids: Sequence[int]) -> int:
    """Resident memory of these processes; pages they share count once for each."""
    pages = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * PAGE_BYTES


def pss_bytes(pids: Sequence[int]) -> int:
    """Memory of these processes where every shared page is divided among those who share it."""
    kilobytes = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    kilobytes += int(line.split()[1])
    return kilobytes * 1024


def _parents() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry.name), int(_stat(int(entry.name))[1])


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name: state, parent, …"""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
