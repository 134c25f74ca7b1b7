"""Connections are looked at before they serve: role, limits, row-level security, whose they are."""

import asyncio

import pytest

from retainer.database.pool import SHARED, Connection, Unprotected
from support.cast import Cast
from support.in_process import InProcess


@pytest.mark.parametrize(
    ("loses", "words"),
    [
        ("RESET ROLE", "statements run as retainer and not as retainer_app"),
        ("SET statement_timeout = 0", "statement_timeout is 0 and not 9s"),
        ("SET row_security = off", "row_security is off and not on"),
        ("RESET idle_in_transaction_session_timeout", "idle_in_transaction_session_timeout is 0"),
    ],
)
def test_a_connection_that_lost_a_protection_is_refused_by_name(
    inside: InProcess, loses: str, words: str
) -> None:
    pool = inside.app.database.pool

    async def looks() -> None:
        connection: Connection = await pool.connect()
        try:
            assert await pool.look(connection) > 0
            await connection.execute(loses)
            await pool.look(connection)
        finally:
            connection.terminate()

    with pytest.raises(Unprotected, match=words):
        inside.sql.run(looks())


def test_a_connection_that_others_share_is_refused(inside: InProcess) -> None:
    pool = inside.app.database.pool

    async def looks() -> None:
        connection = await pool.connect()
        try:
            pid = await pool.look(connection)
            await pool.look(connection, not_pid=pid)
        finally:
            connection.terminate()

    with pytest.raises(Unprotected, match=SHARED):
        inside.sql.run(looks())


def test_nobody_is_served_until_a_fault_is_cured(cast: Cast, inside: InProcess) -> None:
    database = inside.app.database
    refused = Unprotected("statements run as somebody")

    async def until(*, is_up: bool) -> None:
        while database.is_up != is_up:
            await asyncio.sleep(0.005)

    async def fails() -> Connection:
        raise refused

    connects, database.pool.connect = database.pool.connect, fails  # type: ignore[method-assign]
    database.pool.fault = refused
    inside.sql.run(until(is_up=False))
    assert inside.send(cast.ada, "GET", "/api/organizations")[0] == 503
    assert inside.send(cast.ada, "GET", "/readyz")[0] == 503
    database.pool.connect = connects  # type: ignore[method-assign]
    inside.sql.run(until(is_up=True))
    assert inside.send(cast.ada, "GET", "/api/organizations")[0] == 200
    assert database.pool.fault is None
