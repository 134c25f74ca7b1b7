"""`retainer worker`: the worker without a server, and word of whichever works."""

import argparse
import asyncio

from retainer.config import Settings
from retainer.database.migrate import migrate
from retainer.database.pool import connect
from retainer.journal.progress import HOST, MOST, PROGRESS
from retainer.server import serve, signals
from retainer.server.worker import worker

HELP = "do what a server's worker does, without a server"
_TENANTS = "SELECT id, name FROM tenants ORDER BY id"


def add_options(command: argparse.ArgumentParser) -> None:
    status_help = "say instead which host's worker works, and how far it is"
    command.add_argument("--status", action="store_true", help=status_help)


def run(settings: Settings, *, shows_status: bool) -> int:
    """Work until a signal says stop, or print the status: then 1 when none works. The database is
    found as other commands find it.
    """
    signals.stop_by_exit()
    with serve.reachable(settings) as ready:
        asyncio.run(migrate(ready.database_url, only_if_empty=True))
        if shows_status:
            return asyncio.run(_print_status(ready.database_url))
        worker.run(ready)
    return 0


async def _print_status(url: str) -> int:
    """Print the host, then for each loop and tenant its position and how much waits for it."""
    connection = await connect(url, enable_seqscan="off")
    try:
        host = await connection.fetchval(HOST)
        print(f"The worker works on {host}." if host else "No worker works.")
        for tenant in await connection.fetch(_TENANTS):
            for name, position, waiting in await connection.fetch(
                PROGRESS.compiled["all"][0], tenant["id"]
            ):
                at = "" if position is None else f"at {position:,}"
                more = "at least " if waiting == MOST else ""
                print(f"{name:<10} {at:<16} {more}{waiting:,} waiting  {tenant['name']}")
    finally:
        await connection.close()
    return int(host is None)
