"""A database that freezes or dies, and the server above it."""

import os
import signal
import time

import httpx
import pytest

from support.kill import children, kill_postmaster, sign_in
from support.server import Server, status, until

pytestmark = pytest.mark.slow  # each starts, stops or kills a server of its own


def test_a_frozen_database_is_503_and_ready_again_afterwards(own: Server) -> None:
    cookie = {"Cookie": sign_in(own)}
    frozen = [int((own.folder / "postgres" / "postmaster.pid").read_text().split()[0])]
    frozen += children(frozen[0])
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: status(own, "/readyz") == 503, 4, "not ready while the database hangs")
        assert status(own, "/healthz") == 200, "alive all the same"
        began = time.monotonic()
        answer = httpx.get(f"{own.url}/api/organizations", headers=cookie, timeout=10)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert answer.headers["content-type"] == "application/problem+json"
        assert time.monotonic() - began < 3, "refused, not hung"
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    until(lambda: status(own, "/readyz") == 200, 5, "ready again")
    assert httpx.get(f"{own.url}/api/organizations", headers=cookie).status_code == 200


def test_a_killed_database_is_started_again(own: Server) -> None:
    cookie = {"Cookie": sign_in(own)}
    kill_postmaster(own)
    until(
        lambda: (
            httpx.get(f"{own.url}/api/organizations", headers=cookie, timeout=10).status_code == 200
        ),
        10,
        "it is back",
    )
