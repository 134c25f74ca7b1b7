"""A server's stop: requests under way are finished, no process is left."""

import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

from support.kill import sign_in, workers
from support.server import Server, status, until

pytestmark = pytest.mark.slow  # each starts, stops or kills a server of its own


@pytest.mark.parametrize("keep", [True, False], ids=["reused connections", "a connection each"])
@pytest.mark.parametrize("own", ["1", "2"], ids=["one process", "two workers"], indirect=True)
def test_a_stop_finishes_requests_under_way(own: Server, keep: bool) -> None:
    headers = {"Cookie": sign_in(own)} | ({} if keep else {"Connection": "close"})
    statuses: list[int] = []
    lost: list[str] = []
    refused = threading.Event()

    def create(client: httpx.Client) -> None:
        while not refused.is_set():
            try:
                answer = client.post(
                    "/api/organizations", json={"name": "N", "type": "other"}, headers=headers
                )
                statuses.append(answer.status_code)
            except httpx.ConnectError:
                refused.set()
            except httpx.TransportError as error:
                lost.append(repr(error))

    threads = [
        threading.Thread(target=create, args=(httpx.Client(base_url=own.url, timeout=20),))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    until(lambda: len(statuses) > 20, 10, "under load")
    began = time.monotonic()
    own.process.send_signal(signal.SIGTERM)
    assert own.process.wait(15) == 0
    took = time.monotonic() - began
    refused.set()
    for thread in threads:
        thread.join()
    assert took < 10
    assert set(statuses) == {200}
    assert lost == []


def test_a_stop_leaves_no_process_behind(own: Server) -> None:
    mine = workers(own)
    own.process.kill()
    own.process.wait()
    until(
        lambda: (
            not any(
                Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes()
                for pid in mine
            )
        ),
        12,
        "workers end with their parent",
    )
    own.start()
    assert status(own, "/readyz") == 200
    own.stop(remove=False)
    assert not (own.folder / "postgres" / "postmaster.pid").exists(), (
        "and the database stops with us"
    )
