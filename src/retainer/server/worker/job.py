"""Jobs of imports, in a process of their own, which the worker starts when imports wait: `python -m
retainer.server.worker.job`.

It connects as requests do, and acts as whoever asked for the import. It does what waits, tenant by
tenant, and ends when nothing has waited for a while. A killed one leaves nothing, because each job
writes in one transaction, and holds its lock as long as its connection.
"""

import asyncio
from contextlib import suppress

from retainer import config
from retainer.database.pool import Connection, connect
from retainer.errors import Problem
from retainer.exchange.imports import store
from retainer.exchange.imports.job import NOT_ALLOWED, Job
from retainer.permissions import viewer
from retainer.server import signals
from retainer.server.app import App

LOCK = 7_264_011  # first key of a job's advisory lock; the second is the import's
START_SECONDS = 10.0
IDLE_SECONDS, LOOK_SECONDS = 10.0, 0.25  # until it ends; between two looks


class Queue:
    """The jobs of all tenants, one after the other, on the connection that has their locks."""

    def __init__(self, app: App, locks: Connection) -> None:
        self.app, self.locks = app, locks
        self.tenant = 0  # whose turn was last

    async def run(self) -> None:
        """Do what waits, until nothing has waited for IDLE_SECONDS."""
        left = IDLE_SECONDS
        while left > 0:
            if await self.do_next():
                left = IDLE_SECONDS
            else:
                await asyncio.sleep(LOOK_SECONDS)
                left -= LOOK_SECONDS

    async def do_next(self) -> bool:
        """Do the next tenant's job, of those that no other process does; False for none."""
        waiting = await self.locks.fetch(store.WAITING, self.tenant)
        for tenant, id in waiting:
            if await self.locks.fetchval(store.TAKE_LOCK, LOCK, id):
                self.tenant = tenant
                try:
                    await self.do(tenant, id)
                finally:
                    await self.locks.execute(store.GIVE_LOCK, LOCK, id)
                return True
        return False

    async def do(self, tenant: int, id: int) -> None:
        """Do one job as its user, if they still may."""
        row = await self.locks.fetchrow(store.USER, tenant, id)
        if row is None or not (found := viewer(row)).may("imports.run"):
            await self.locks.execute(store.CANCEL_FOR, tenant, id, NOT_ALLOWED)
            return
        try:
            await Job(self.app, found, id).work()
        except Problem as problem:  # of the database or the storage: it is taken up once more
            self.app.log.event("import was cut short", tenant=tenant, id=id, error=problem.detail)
        if self.app.database.changed:
            await self.app.live.announce()


async def work(app: App) -> None:
    """Do all jobs that wait."""
    locks = await connect(app.settings.database_url)
    monitor = asyncio.create_task(app.monitor.run())
    try:
        async with asyncio.timeout(START_SECONDS):
            await app.monitor.connected.wait()
        await Queue(app, locks).run()
    finally:
        monitor.cancel()
        with suppress(asyncio.CancelledError):
            await monitor
        locks.terminate()
        app.database.pool.drop()


if __name__ == "__main__":
    signals.die_with_parent()
    asyncio.run(work(App(config.load())))
