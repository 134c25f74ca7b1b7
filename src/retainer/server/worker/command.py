"""`retainer worker`: the worker without a server."""

import asyncio

from retainer.config import Settings
from retainer.database.migrate import migrate
from retainer.server import serve, signals
from retainer.server.worker import worker


def run(settings: Settings) -> None:
    """Work until a signal says stop; the database is found as other commands find it."""
    signals.stop_by_exit()
    with serve.reachable(settings) as ready:
        asyncio.run(migrate(ready.database_url, only_if_empty=True))
        worker.run(ready)
