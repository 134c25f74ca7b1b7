"""Space on the disks of the embedded database. PostgreSQL cannot go on without space for its WAL:
it ends, and reads with it. So writes are refused while there is still some left.
"""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from retainer.database.database import Database
from retainer.database.monitor import EventLog

LEAST_FREE = 48 << 20  # bytes: three segments of the WAL
LOOK_SECONDS = 0.1


def free_bytes(cluster: Path) -> int:
    """Bytes free where the data and the WAL are, whichever has less."""
    found = [os.statvfs(folder) for folder in (cluster, cluster / "pg_wal")]
    return min(each.f_bavail * each.f_frsize for each in found)


def is_low(cluster: Path) -> bool:
    """True when there is too little space for PostgreSQL to write safely."""
    return free_bytes(cluster) < LEAST_FREE


async def watch(database: Database, cluster: Path, log: EventLog) -> None:
    """Keep `Database.is_full` up to date, until cancelled."""
    while True:
        with suppress(OSError):  # a folder that cannot be looked at tells nothing
            free = free_bytes(cluster)
            if (free < LEAST_FREE) != database.is_full:
                database.is_full = not database.is_full
                event = "no space left" if database.is_full else "space is back"
                log.event(event, folder=str(cluster), free_mb=free >> 20)
        await asyncio.sleep(LOOK_SECONDS)
