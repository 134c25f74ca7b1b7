"""A real server on a real PostgreSQL, and a fresh consultancy with its cast for each test.

Ada is admin, Cora consultant; Stan is staff and Gita a guest, both members of Acme and of nothing
else; Sam is staff with no organization; Olga is admin of another tenant.
"""

import secrets
import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright
from xdist.scheduler import LoadFileScheduling

from support.browser import FLAGS
from support.cast import Cast
from support.in_process import InProcess
from support.server import PASSWORD, Server
from support.sql import Sql

# Files that take longest, first: a process that begins one last keeps all others waiting.
LONGEST = (
    "test_plans.py",
    "test_conformance.py",
    "test_docs.py",
    "test_accessibility.py",
    "test_crash.py",
    "test_undo_model.py",
    "test_paging.py",
    "test_model.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order files for the processes: the longest ones, then those with the most tests."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.path.name not in LONGEST, -tests[item.path]))


class ByFile(LoadFileScheduling):
    """A file to a process, but for the conformance test, which takes minutes for each role and shares
    no fixture, and for the plans, whose files share the rows of a large tenant.
    """

    def _split_scope(self, nodeid: str) -> str:
        if "/test_conformance.py::" in nodeid:
            return nodeid
        return str(super()._split_scope(nodeid)).replace("_history_plans.py", "_plans.py")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    running = Server(admin_email="root@example.com", admin_password=PASSWORD, worker="on")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def sql(server: Server) -> Iterator[Sql]:
    owner = Sql(server.database_url)
    yield owner
    owner.close()


@pytest.fixture(autouse=True)
def settings_end_with_their_test(request: pytest.FixtureRequest) -> Iterator[None]:
    """One connection serves all tests: the tenant that one of them acts in is not the next one's."""
    yield
    if "sql" in request.fixturenames:
        request.getfixturevalue("sql").rows("RESET ALL")


@pytest.fixture
def own_database(server: Server) -> Iterator[str]:
    """An empty external database on the server's PostgreSQL; the URL of its owner."""
    name = f"own_{secrets.token_hex(4)}"
    cluster = Sql(server.database_url.replace("retainer@/retainer", "postgres@/postgres"))
    cluster.rows(f"CREATE DATABASE {name} OWNER retainer")
    yield server.database_url.replace("@/retainer", f"@/{name}")
    cluster.rows(f"DROP DATABASE {name} WITH (FORCE)")
    cluster.close()


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as shared:
        yield shared


@pytest.fixture
def cast(sql: Sql, client: httpx.Client) -> Cast:
    return Cast(sql, client)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    assert program, "these tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def inside(server: Server, sql: Sql) -> Iterator[InProcess]:
    running = InProcess(server, sql)
    yield running
    running.stop()
