"""Measured once: how soon Retainer is ready with its embedded database, and what it holds when
idle.
"""

from dataclasses import dataclass
from pathlib import Path

from bench import processes, retainer


@dataclass(frozen=True)
class Startup:
    """Seconds to ready on an empty folder and on the same folder again; idle memory (PSS) in bytes."""

    first_seconds: float
    next_seconds: float
    idle_pss: int


def measure(folder: Path) -> Startup:
    """Two starts with the embedded database, on every core, as an installation has it."""
    home = folder / "embedded"
    home.mkdir()
    with retainer.embedded(home) as (first, _):
        pass
    with retainer.embedded(home) as (again, pids):
        return Startup(first, again, processes.pss_bytes(pids))
