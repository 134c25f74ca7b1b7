"""The proof of the feed of positions: writers for a minute, while the server and its worker are
killed in turn, and a follower that reads by position.
"""

import asyncio
import itertools
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from retainer.database.pool import UNREACHABLE, connect

sys.path.insert(0, "tests")  # servers of the tests

from support.kill import children, sign_in
from support.server import PASSWORD, Server, until
from support.writers import misplaced

WRITERS = 8
HOT = 5  # organizations that all writers change
KILL_SECONDS = 5.0  # between two kills
PATIENCE_SECONDS = 60.0  # for the last positions

_FOLLOW = """
    SELECT id, position FROM operations WHERE tenant_id = $1 AND position > $2 ORDER BY position
"""


class Writers:
    """Threads that create, change one or many, until `stop`; the changes that were acknowledged."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.cookie = {"Cookie": sign_in(server)}
        with self._client() as client:
            made = [
                client.post("/api/organizations", json={"name": f"Hot {n}", "type": "other"})
                for n in range(HOT)
            ]
        self.ids = [response.json()["id"] for response in made]
        self.acknowledged = HOT
        self.counting = threading.Lock()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._write, args=(n,)) for n in range(WRITERS)]

    def _client(self) -> httpx.Client:
        return httpx.Client(
            base_url=self.server.url, headers=self.cookie, timeout=20, trust_env=False
        )

    def _write(self, seed: int) -> None:
        chance = random.Random(seed)
        client = self._client()
        while not self.stopping.is_set():
            try:
                status = self._change(client, chance)
            except httpx.TransportError:  # the server was killed
                time.sleep(0.05)
                continue
            if status < 300:
                with self.counting:
                    self.acknowledged += 1

    def _change(self, client: httpx.Client, chance: random.Random) -> int:
        kind = chance.random()
        if kind < 0.3:
            body = {"name": f"New {chance.random()}", "type": "other"}
            return client.post("/api/organizations", json=body).status_code
        text = {"description": str(chance.random())}
        if kind < 0.9:
            path = f"/api/organizations/{chance.choice(self.ids)}"
            return client.put(path, json=text).status_code
        # Several records in one operation, always in the same order.
        lines = [
            json.dumps({"method": "PUT", "path": f"/organizations/{id}", "body": text})
            for id in self.ids
        ]
        ndjson = {"Content-Type": "application/x-ndjson"}
        return client.post("/api/bulk", content="\n".join(lines), headers=ndjson).status_code

    @contextmanager
    def at_work(self) -> Iterator[None]:
        for thread in self.threads:
            thread.start()
        yield
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class Follower:
    """Reads what is new by position, as an integration would."""

    def __init__(self, url: str, tenant: int) -> None:
        self.url, self.tenant = url, tenant
        self.seen: list[tuple[int, int]] = []  # position and number
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._follow()))

    async def _follow(self) -> None:
        connection = await connect(self.url)
        last = 0
        while not self.stopping.is_set():
            for id, position in await connection.fetch(_FOLLOW, self.tenant, last):
                self.seen.append((position, id))
                last = position
            await asyncio.sleep(0.02)
        await connection.close()


def kill_worker(server: Server) -> bool:
    """Kill the worker; False where it had not started yet."""
    for pid in children(server.process.pid):
        with suppress(OSError):
            if b"retainer.server.worker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
                return True
    return False


def kill_server(server: Server) -> bool:
    """Kill the server's process, and start it again on its database, which goes on."""
    server.process.kill()
    server.process.wait()
    server.start()
    return True


def prove(seconds: float) -> tuple[bool, dict[str, str]]:
    """Judgement of the positions: each operation's once, in an order that holds; and the figures."""
    server = Server(
        admin_email="root@example.com", admin_password=PASSWORD, worker="on", workers="1"
    )
    kills = {kill_worker: 0, kill_server: 0}
    try:
        url, tenant = server.database_url, 1
        writers, follower = Writers(server), Follower(url, tenant)
        follower.thread.start()
        ends = time.monotonic() + seconds
        with writers.at_work():
            for kill in itertools.cycle([kill_worker, kill_server]):
                if time.monotonic() + KILL_SECONDS > ends:
                    break
                time.sleep(KILL_SECONDS)
                kills[kill] += kill(server)
            time.sleep(max(0.0, ends - time.monotonic()))
        until(lambda: not asyncio.run(_waiting(url, tenant)), PATIENCE_SECONDS, "all are placed")
        time.sleep(1)
        follower.stopping.set()
        follower.thread.join()
        return asyncio.run(_judge(url, tenant, writers, follower, kills))
    finally:
        server.stop()


async def _waiting(url: str, tenant: int) -> int:
    with suppress(*UNREACHABLE):
        connection = await connect(url)
        waiting: int = await connection.fetchval(
            "SELECT count(*) FROM operations WHERE tenant_id = $1 AND position IS NULL", tenant
        )
        await connection.close()
        return waiting
    return 1


async def _judge(
    url: str, tenant: int, writers: Writers, follower: Follower, kills: dict[object, int]
) -> tuple[bool, dict[str, str]]:
    connection = await connect(url)
    given, wrong = await misplaced(connection, tenant)
    by_position = await connection.fetch(_FOLLOW, tenant, 0)
    await connection.close()
    highest = missed = 0
    for row in by_position:  # in the order in which they became visible
        missed += row["id"] < highest
        highest = max(highest, row["id"])
    is_dense = given == list(range(1, len(given) + 1))
    told = [(row["position"], row["id"]) for row in by_position]
    holds = is_dense and not wrong and follower.seen == told
    holds = holds and len(given) >= writers.acknowledged
    return holds, {
        "operations": f"{len(given):,}, of which {writers.acknowledged:,} were acknowledged",
        "killed": f"the worker {kills[kill_worker]} times, the server {kills[kill_server]} times",
        "positions": f"1 to {given[-1]:,}, each once" if is_dense else "NOT dense",
        "versions of a record out of order": f"{wrong:,}",
        "a follower by position": (
            f"was told {len(follower.seen):,}, each once, in order"
            if follower.seen == told
            else f"was told {len(follower.seen):,}: NOT what there is"
        ),
        "a follower by number": f"would have missed up to {missed:,}",
    }
