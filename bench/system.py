"""Facts about the machine and the software of a run, by which a reader can judge its figures."""

import datetime as dt
import os
import platform
import subprocess
from pathlib import Path

from bench.postgres import Postgres
from bench.processes import Cores


def facts(server: Postgres, folder: Path, cores: Cores) -> dict[str, str]:
    """Date, processor, cores, kernel, PostgreSQL and the file system under it."""
    pinned = f"server on core {cores.server}, load generator and PostgreSQL on core {cores.around}"
    if cores.shared:
        pinned += " (THE SAME ONE: requests/s and latencies say little)"
    durable = "default settings: fsync and synchronous_commit on"
    return {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{processor()}, {os.cpu_count()} cores; {pinned}",
        "kernel": f"{platform.system()} {platform.release()}",
        "load of the machine at the end": " ".join(f"{value:.2f}" for value in os.getloadavg()),
        "PostgreSQL": f"{version(server)}, {durable}; data on {filesystem(folder)}",
    }


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def version(server: Postgres) -> str:
    command = [str(server.binaries / "postgres"), "--version"]
    return (
        subprocess.run(command, check=True, capture_output=True, text=True)
        .stdout.strip()
        .rpartition(" ")[2]
    )


def filesystem(folder: Path) -> str:
    """The type of the file system `folder` lies on; on tmpfs a flush to disk would cost nothing."""
    best = ("", "unknown")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, kind, *_ = line.split()
        if folder.is_relative_to(mount) and len(mount) >= len(best[0]):
            best = (mount, kind)
    return best[1]
