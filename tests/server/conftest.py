"""A server that a test may hurt."""

from collections.abc import Iterator

import pytest

from support.server import PASSWORD, Server


@pytest.fixture
def own(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that a test may hurt; its parameter is the number of its workers."""
    workers = getattr(request, "param", "1")
    server = Server(
        admin_email="root@example.com",
        admin_password=PASSWORD,
        request_seconds="4",
        workers=workers,
    )
    yield server
    if server.process.poll() is None:
        server.stop()
