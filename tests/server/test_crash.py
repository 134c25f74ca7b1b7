"""Kills under load: no acknowledged write is lost, none is invented."""

import secrets
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from support.kill import kill_main, kill_postmaster, kill_worker, sign_in
from support.server import PASSWORD, Server
from support.sql import Sql

pytestmark = pytest.mark.slow

KILLS = 10
WRITERS = 6


@pytest.fixture(scope="module", params=["1", "2"], ids=["one process", "two workers"])
def victim(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(admin_email="root@example.com", admin_password=PASSWORD, workers=request.param)
    yield server
    server.stop()


class Writer(threading.Thread):
    """Creates organizations one after the other, noting what it tried and what was acknowledged."""

    def __init__(self, server: Server, cookie: str, name: str) -> None:
        super().__init__(daemon=True)
        self.server, self.cookie, self.prefix = server, cookie, name
        self.tried: list[str] = []
        self.acknowledged: dict[int, str] = {}
        self.odd: list[str] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        with httpx.Client(
            base_url=self.server.url, headers={"Cookie": self.cookie}, timeout=20, trust_env=False
        ) as client:
            while not self.stopping.is_set():
                self.write(client, f"{self.prefix}-{len(self.tried)}")

    def write(self, client: httpx.Client, name: str) -> None:
        self.tried.append(name)
        try:
            answer = client.post("/api/organizations", json={"name": name, "type": "other"})
        except httpx.TransportError:
            time.sleep(0.02)  # the server is gone: whether this was written is not known
            return
        if answer.status_code == 200:
            self.acknowledged[answer.json()["id"]] = name
        elif answer.status_code != 503:
            self.odd.append(f"{answer.status_code} {answer.text}")
        else:
            time.sleep(0.02)


def more(writers: list[Writer], count: int = 40) -> None:
    """Wait until this many more writes are acknowledged: the server is back."""
    before = sum(len(w.acknowledged) for w in writers)
    until = time.monotonic() + 30
    while sum(len(w.acknowledged) for w in writers) < before + count:
        assert time.monotonic() < until, (
            f"it serves again after a kill\n{writers[0].server.last_words()}"
        )
        time.sleep(0.01)


@pytest.mark.parametrize(
    "kill", [kill_main, kill_worker, kill_postmaster], ids=lambda k: k.__name__
)
def test_no_acknowledged_write_is_lost(victim: Server, kill) -> None:
    if kill is kill_worker and victim.settings["workers"] == "1":
        kill = kill_main  # the same process
    cookie = sign_in(victim)
    run = secrets.token_hex(4)
    writers = [Writer(victim, cookie, f"{run}-{n}") for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    for _ in range(KILLS // 2):
        more(writers)
        kill(victim)
    more(writers)
    for writer in writers:
        writer.stopping.set()
        writer.join(30)
    assert not [line for w in writers for line in w.odd], victim.errors()
    acknowledged = {id: name for w in writers for id, name in w.acknowledged.items()}
    tried = {name for w in writers for name in w.tried}
    database = Sql(victim.database_url)
    present = {
        row["id"]: row["name"] for row in database.rows("SELECT id, name FROM organizations")
    }
    journalled = {
        row[0]
        for row in database.rows(
            "SELECT entity_id FROM changes WHERE entity = 'organizations' AND action = 'insert'"
        )
    }
    database.close()
    assert {id: present.get(id) for id in acknowledged} == acknowledged, (
        "every acknowledged one is there"
    )
    ours = {id for id, name in present.items() if name.startswith(run)}
    assert {present[id] for id in ours} <= tried, "every one that is there was tried"
    assert journalled == set(present), "each with its entry in the journal"
    assert len({present[id] for id in ours}) == len(ours), "none twice"
