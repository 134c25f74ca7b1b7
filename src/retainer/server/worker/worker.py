"""The worker's process: it waits for the lock, then runs its loops until it loses it.

The lock is PostgreSQL's advisory lock of one connection. What is written on that connection cannot
be written by a worker that lost it; the loops on other connections lock the rows that they work on.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from retainer.config import Settings
from retainer.database import space
from retainer.database.migrate import available
from retainer.database.pool import UNREACHABLE, Connection, connect
from retainer.errors import Unavailable
from retainer.http.log import Log
from retainer.journal.changes import CHANNEL
from retainer.journal.progress import APPLICATION_NAME, LOCK
from retainer.records.documents.storage import Storage
from retainer.search.indexer import Indexer
from retainer.server import signals
from retainer.server.postgres import embedded
from retainer.server.worker import chores, cleaning
from retainer.server.worker.jobs import Jobs
from retainer.server.worker.sequencer import Sequencer

TAKE_SECONDS = 2.0  # between two attempts to get the lock
RETRY_SECONDS = 1.0  # after a failure, or while no space is left
STORAGE_SECONDS = 10.0  # while the storage does not answer
ANSWER_SECONDS = 120.0  # for a statement, which reads or writes much at most
# Between two looks for operations without a position; and how long a notification is waited for.
BUSY_SECONDS, IDLE_SECONDS = 0.1, 1.0
POLL_SECONDS = 0.5  # between two looks of the other loops
CHORES_SECONDS = 5.0

# Statements are planned once, as those of requests are (docs/decisions/0027), and take their time.
# Without joins that read a whole table: it may be empty when they are planned, and grow by hours.
_SETTINGS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "idle_in_transaction_session_timeout": "0",
    # PostgreSQL gives the lock of a host that has gone without a word back after some six seconds.
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "2",
    "tcp_user_timeout": "6000",
}
_TAKE = "SELECT pg_try_advisory_lock($1)"
_SCHEMA = "SELECT max(number) FROM migrations"

Step = Callable[[], Awaitable[bool]]  # True when there may be more to do at once


class Worker:
    """The loops, and the signals between them."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self.url = settings.database_url
        self.storage = Storage.of(settings)
        self.cluster = embedded.cluster_of(settings)
        self.schema = available()[-1].number
        self.log = log
        self.name = f"{APPLICATION_NAME}{socket.gethostname()}"[:63]
        self.works = False  # it has the lock
        self.changed = asyncio.Event()  # a process has announced commits

    async def run(self) -> None:
        """Work until cancelled, and begin again after any failure."""
        while True:
            try:
                await self._wait_for_lock()
            except* UNREACHABLE as gone:
                self._lost(gone.exceptions[0])
            except* Exception as unknown:
                self.log.unknown(unknown.exceptions[0])
            await asyncio.sleep(RETRY_SECONDS)

    def _lost(self, error: BaseException) -> None:
        if self.works:  # one line an outage
            self.log.event("worker lost the database", error=type(error).__name__)
        self.works = False

    async def _wait_for_lock(self) -> None:
        connection = await self._connect()
        try:
            while not await self._takes(connection):  # noqa: ASYNC110 -- PostgreSQL has the lock
                await asyncio.sleep(TAKE_SECONDS)
            self.works = True
            self.log.event("worker works", host=socket.gethostname())
            await self._work(connection)
        finally:
            connection.terminate()

    async def _takes(self, connection: Connection) -> bool:
        """True with the lock. A program that is not the schema's leaves the work to others."""
        if await connection.fetchval(_SCHEMA) != self.schema:
            return False
        return bool(await connection.fetchval(_TAKE, LOCK))

    async def _connect(self) -> Connection:
        return await connect(
            self.url,
            answer_seconds=ANSWER_SECONDS,
            application_name=self.name,
            **_SETTINGS,
        )

    async def _work(self, connection: Connection) -> None:
        """Run the loops until one of them loses its connection."""
        sequencer = Sequencer(connection)
        await sequencer.begin()
        await connection.add_listener(CHANNEL, lambda *_: self.changed.set())
        words, files = await self._connect(), await self._connect()
        indexer = Indexer(words, files, self.storage)
        try:
            async with asyncio.TaskGroup() as loops:
                loops.create_task(self._keep_order(sequencer))
                loops.create_task(self._repeat(indexer.count_words, words))
                loops.create_task(self._repeat(indexer.read_next_file, files))
                loops.create_task(cleaning.forever(self.url, self.storage, self.log))
        finally:
            words.terminate()
            files.terminate()

    async def _keep_order(self, sequencer: Sequencer) -> None:
        """Give positions, start jobs, and now and then do the chores; all take moments."""
        due = 0.0
        jobs = Jobs(sequencer.connection)
        while True:
            self.changed.clear()
            await jobs.start()
            await self._wait_for_space()
            if time.monotonic() >= due:
                await chores.do(sequencer.connection)
                due = time.monotonic() + CHORES_SECONDS
            if not await sequencer.give_all():
                with suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_SECONDS):
                        await self.changed.wait()
            await asyncio.sleep(BUSY_SECONDS)

    async def _repeat(self, step: Step, connection: Connection) -> None:
        """Take a step again and again; one bad file or word must not end the others' work."""
        while True:
            await self._wait_for_space()
            try:
                is_busy = await step()
            except Unavailable:
                await asyncio.sleep(STORAGE_SECONDS)
            except Exception as error:
                if connection.is_closed():
                    raise
                self.log.unknown(error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                if not is_busy:
                    await asyncio.sleep(POLL_SECONDS)

    async def _wait_for_space(self) -> None:
        """Wait while there is too little space for PostgreSQL to write safely."""
        cluster = self.cluster
        while cluster is not None and space.is_low(cluster):  # noqa: ASYNC110 -- a disk
            await asyncio.sleep(RETRY_SECONDS)


def run(settings: Settings) -> None:
    """Work until a signal stops this process; what is not committed then is rolled back."""
    log = Log(settings.log)

    async def until_signal() -> None:
        work = asyncio.ensure_future(Worker(settings, log).run())
        for each in signals.handled():
            asyncio.get_running_loop().add_signal_handler(each, work.cancel)
        with suppress(asyncio.CancelledError):
            await work

    signals.ignore(signals.NOTHING)
    log.adopt()
    asyncio.run(until_signal())
    log.flush()
