"""Limits that the system sets on this process: raised where we may, named where they are low."""

import logging
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

FEW_FILES = 4096  # a connection of a client takes one
OTHER_FILES = 64  # that are open beside clients' connections: the database's, the log's, uploads'
WARN_SECONDS = 60.0  # between two warnings that connections are refused
LITTLE_MEMORY = 256 << 20
CGROUPS = Path("/sys/fs/cgroup")


def raise_open_files() -> None:
    """Allow as many open files as the hard limit lets us; warn where that is few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (ValueError, OSError):  # an unlimited one may be more than the system takes
            pass
    if soft != resource.RLIM_INFINITY and soft < FEW_FILES:
        _warn(
            f"only {soft} files may be open at a time (RLIMIT_NOFILE): about as many clients can"
            f" be connected. Allow {FEW_FILES} or more."
        )


class OpenConnections:
    """Warns, once a minute, when so many clients are connected that the next ones may be refused:
    the event loop closes those that find no free file, and tells nobody.
    """

    def __init__(self) -> None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.limit = soft
        self.most = soft - OTHER_FILES
        if soft == resource.RLIM_INFINITY:
            self.most = sys.maxsize
        self.warned = -WARN_SECONDS

    def count(self, number: int, now: float) -> None:
        """Take note that this many clients are connected."""
        if number >= self.most and now - self.warned >= WARN_SECONDS:
            self.warned = now
            logging.getLogger("retainer.connections").warning(
                "%d clients are connected, and %d files may be open (RLIMIT_NOFILE): more clients"
                " may be refused",
                number,
                self.limit,
            )


def warn_of_little_memory() -> None:
    """Warn where the kernel would end this process before it has what it needs."""
    least = min(_memory_limits(), default=None)
    if least is not None and least < LITTLE_MEMORY:
        _warn(
            f"the memory limit of {least >> 20} MB is too low: the kernel may end the server."
            f" Allow {LITTLE_MEMORY >> 20} MB or more."
        )


def _memory_limits() -> Iterator[int]:
    """The limits of this process, in bytes: its own, and those of its control groups."""
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        soft, _ = resource.getrlimit(kind)
        if soft != resource.RLIM_INFINITY:
            yield soft
    for controllers, group in cgroups():
        if not controllers:
            yield from _limits_of_group(CGROUPS, group, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _limits_of_group(CGROUPS / "memory", group, "memory.limit_in_bytes")


def cgroups() -> list[tuple[str, str]]:
    """The control groups of this process, each with its controllers: none in version 2."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    return [
        (controllers, group) for _, controllers, group in (each.split(":", 2) for each in lines)
    ]


def _limits_of_group(root: Path, group: str, name: str) -> Iterator[int]:
    """The limits of a control group and of those around it."""
    folder = root / group.lstrip("/")
    for each in (folder, *folder.parents):
        if each != root and root not in each.parents:
            return
        try:
            text = (each / name).read_text().strip()
        except OSError:
            continue
        if text.isdigit():  # else "max"
            yield int(text)


def _warn(text: str) -> None:
    print(f"WARNING: {text}", file=sys.stderr)
