"""The start of jobs: a process of its own for them, when imports wait (job.py)."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, Process

from retainer.database.pool import Connection

_WAITS = "SELECT EXISTS (SELECT FROM imports WHERE state IN ('planning', 'running'))"


class Jobs:
    """Starts the process of the jobs where it does not run. It ends by itself, and with us."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.process: Process | None = None

    async def start(self) -> None:
        """Start it if an import waits."""
        runs = self.process is not None and self.process.returncode is None
        if not runs and await self.connection.fetchval(_WAITS):
            program = [sys.executable, "-P", "-m", "retainer.server.worker.job"]
            self.process = await asyncio.create_subprocess_exec(*program, stdin=DEVNULL)
