"""Limits on guessing: by network and account, so that nobody locks what is somebody else's."""

import asyncio
import base64
import secrets
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from retainer.config import Settings
from retainer.errors import TooManyRequests
from retainer.identity.sessions import throttle
from retainer.server.app import App
from support.cast import Cast
from support.in_process import InProcess
from support.passwords import with_password
from support.server import PASSWORD, Server
from support.sql import Sql

PROXY = "127.0.0.1"


@pytest.fixture(scope="module")
def behind_proxy(server: Server, sql: Sql) -> Iterator[InProcess]:
    running = InProcess(server, sql)
    running.app.proxies = App(Settings(trusted_proxies=PROXY, data=str(server.folder))).proxies
    yield running
    running.stop()


class Door:
    """Sign-ins from any address, at accounts of the test's own."""

    def __init__(self, inside: InProcess, sql: Sql) -> None:
        self.inside, self.sql = inside, sql

    async def _try(
        self, username: str, password: str, address: str, cookies: dict[str, str]
    ) -> httpx.Response:
        headers = {"X-Forwarded-For": address}
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        body = {"username": username, "password": password}
        self.inside.client.cookies.clear()
        return await self.inside.client.post("/api/login", json=body, headers=headers)

    def known(self, username: str, address: str) -> str:
        """The cookie that the first page after signing in sets."""
        token = self.sign_in(username, PASSWORD, address).cookies["connect.sid"]
        headers = {"Cookie": f"connect.sid={token}", "Accept": "text/html"}
        page = self.sql.run(self.inside.client.get("/tasks", headers=headers))
        return str(page.cookies["retainer.known"])

    def sign_in(self, username: str, password: str, address: str, **cookies: str) -> httpx.Response:
        named = {name.replace("_", "."): value for name, value in cookies.items()}
        found: httpx.Response = self.sql.run(self._try(username, password, address, named))
        return found

    def at_once(self, count: int, username: str, address: str) -> list[int]:
        async def all() -> list[httpx.Response]:
            return await asyncio.gather(
                *(self._try(username, "a wrong guess", address, {}) for _ in range(count))
            )

        return [answer.status_code for answer in self.sql.run(all())]

    def guess(self, count: int, username: str, address: str) -> None:
        """Attempts that are counted as those of people are, without the work of judging them."""
        database = self.inside.app.database
        for _ in range(count):
            with suppress(TooManyRequests):
                self.sql.run(throttle.begin(database, address, username))


@pytest.fixture
def door(behind_proxy: InProcess, sql: Sql) -> Door:
    return Door(behind_proxy, sql)


def address() -> str:
    return f"2001:db8:{secrets.randbelow(65535):x}:{secrets.randbelow(65535):x}::1"


@pytest.mark.slow
def test_of_thirty_guesses_at_once_from_one_network_ten_are_judged(cast: Cast, door: Door) -> None:
    for username in (cast.cora.username, f"{secrets.token_hex(6)}@example.com"):
        answers = door.at_once(30, username, address())
        assert answers.count(429) == 20
        assert answers.count(401) <= 10  # fewer where a machine is too busy to judge them


@pytest.mark.slow
def test_guesses_from_many_networks_lock_nobody_out(cast: Cast, door: Door) -> None:
    username = with_password(cast, cast.cora)
    assert door.sign_in(username, "a wrong guess", address()).status_code == 401
    for _ in range(12):
        door.guess(1, username, address())
    assert door.sign_in(username, PASSWORD, address()).status_code == 200


def test_an_account_that_many_guess_at_is_slowed_and_a_known_browser_is_not(
    cast: Cast, door: Door, sql: Sql
) -> None:
    database = door.inside.app.database
    for username in (cast.cora.username, f"{secrets.token_hex(6)}@example.com"):
        for _ in range(throttle.SLOW_AFTER):
            attempt = sql.run(throttle.begin(database, address(), username))
            assert attempt.seconds == 0
        assert sql.run(throttle.begin(database, address(), username)).seconds > 0
        assert sql.run(throttle.begin(database, address(), username, "a browser")).seconds == 0


def test_a_browser_that_signed_in_before_passes_a_network_that_is_locked(
    cast: Cast, door: Door
) -> None:
    username, here = with_password(cast, cast.cora), address()
    known = door.known(username, here)
    door.guess(11, username, here)
    assert door.sign_in(username, PASSWORD, here).status_code == 429
    assert door.sign_in(username, PASSWORD, here, retainer_known=known).status_code == 200
    forged = known[:-4] + "AAAA"
    assert door.sign_in(username, PASSWORD, here, retainer_known=forged).status_code == 429
    door.guess(11, cast.stan.username, here)
    other = door.sign_in(cast.stan.username, PASSWORD, here, retainer_known=known)
    assert other.status_code == 429, "it is proof for one account alone"


def test_signing_in_sets_one_cookie_and_each_browser_gets_its_proof_once(
    cast: Cast, door: Door
) -> None:
    username = with_password(cast, cast.cora)
    answer = door.sign_in(username, PASSWORD, address())
    assert [name.split("=")[0] for name in answer.headers.get_list("set-cookie")] == ["connect.sid"]
    token, known = answer.cookies["connect.sid"], door.known(username, address())
    for cookies, is_set in (
        (f"connect.sid={token}", True),
        (f"connect.sid={token}; retainer.known={known}", False),
        (f"connect.sid={token}; retainer.known={known[:-4]}AAAA", True),
    ):
        headers = {"Cookie": cookies, "Accept": "text/html"}
        page = door.sql.run(door.inside.client.get("/tasks", headers=headers))
        assert ("retainer.known=" in page.headers.get("set-cookie", "")) == is_set
    anybody = door.sql.run(door.inside.client.get("/login", headers={"Accept": "text/html"}))
    assert "retainer.known" not in anybody.headers.get("set-cookie", "")


def test_a_live_session_passes_a_network_that_is_locked(cast: Cast, door: Door) -> None:
    username, here = with_password(cast, cast.cora), address()
    token = door.sign_in(username, PASSWORD, here).cookies["connect.sid"]
    door.guess(11, username, here)
    assert door.sign_in(username, PASSWORD, here).status_code == 429
    assert door.sign_in(username, PASSWORD, here, connect_sid="x" * 43).status_code == 429
    assert door.sign_in(username, PASSWORD, here, connect_sid=token).status_code == 200
    door.guess(11, cast.stan.username, here)
    other = door.sign_in(cast.stan.username, PASSWORD, here, connect_sid=token)
    assert other.status_code == 429, "it is proof for one account alone"


@pytest.mark.slow
def test_the_guesses_of_a_browser_with_proof_are_limited_as_well(cast: Cast, door: Door) -> None:
    username = with_password(cast, cast.cora)
    known = door.known(username, address())
    browser = proof_of(known)
    for _ in range(10):
        door.sql.run(throttle.begin(door.inside.app.database, address(), username, browser))
    answer = door.sign_in(username, PASSWORD, address(), retainer_known=known)
    assert answer.status_code == 429
    assert door.sign_in(username, PASSWORD, address()).status_code == 200, "another browser"


def proof_of(cookie: str) -> str:
    content = cookie.partition(".")[0]
    return base64.urlsafe_b64decode(content + "==").decode().partition(" ")[2]


def test_a_network_has_a_limit_at_all_accounts_together(door: Door, sql: Sql) -> None:
    here, database = address(), door.inside.app.database
    for _ in range(throttle.LIMIT_OF_ADDRESS):
        sql.run(throttle.begin(database, here, f"{secrets.token_hex(6)}@example.com"))
    assert door.sign_in("anybody@example.com", PASSWORD, here).status_code == 429


def test_an_attempt_without_a_place_counts_for_its_network_alone(door: Door, sql: Sql) -> None:
    here, database, username = address(), door.inside.app.database, f"{secrets.token_hex(6)}@x.org"
    for _ in range(throttle.LIMIT_OF_ADDRESS):
        attempt = sql.run(throttle.begin(database, here, username))
        sql.run(attempt.withdraw())
    assert door.sign_in(username, PASSWORD, here).status_code == 429
    assert door.sign_in(username, PASSWORD, address()).status_code == 401
