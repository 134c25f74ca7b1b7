"""Refusals and changes of organizations."""

from typing import Any

from support.sql import Sql


def refused(answer: Any, status: int) -> tuple[str, str]:
    """The one refused field of an answer and its message."""
    assert answer.status_code == status, answer.text
    (error,) = answer.json()["errors"]
    return error["field"], error["message"]


def change(sql: Sql, tenant: int, text: str) -> None:
    """A change by SQL, as one operation of the command line."""

    async def run() -> None:
        async with sql.connection.transaction():
            await sql.connection.execute(
                f"""SELECT set_config('retainer.tenant', '{tenant}', true),
                    acting_as(NULL, 'command', 'command', NULL, 'test'); {text}"""
            )

    sql.run(run())
