"""The application in the test's own process, with its statements counted."""

import asyncio
from typing import Any

import httpx

from retainer.config import Settings
from retainer.server.app import App
from support.cast import Person
from support.server import Server
from support.sql import Sql


class InProcess:
    """The application in this process, counting the statements it sends."""

    def __init__(self, server: Server, sql: Sql, **settings: Any) -> None:
        self.sql = sql
        self.app = App(
            Settings(
                database_url=server.database_url,
                data=str(server.folder),
                log="errors",
                **settings,
            )
        )
        self.sql.run(self._start())

    async def _start(self) -> None:
        self.watching = asyncio.create_task(self.app.monitor.run())
        while not self.app.sessions.listening:
            await asyncio.sleep(0.01)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://inside"
        )

    def send(
        self,
        person: Person,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, int]:
        """The status, and the number of statements sent."""
        before = self.app.database.statements
        headers = {"Cookie": f"connect.sid={person.token}"} | (headers or {})
        answer = self.sql.run(self.client.request(method, path, headers=headers, json=body))
        return answer.status_code, self.app.database.statements - before

    def stop(self) -> None:
        async def end() -> None:
            self.watching.cancel()
            await self.client.aclose()
            self.app.database.pool.drop()

        self.sql.run(end())
