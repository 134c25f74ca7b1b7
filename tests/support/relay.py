"""A relay before PostgreSQL, which can swallow in silence what goes through it."""

import asyncio
import time
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit


class Relay:
    """Passes bytes between TCP connections and the embedded database's socket."""

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        query = parse_qs(parts.query)
        self.socket = f"{query['host'][0]}/.s.PGSQL.5432"
        self.user, self.name = parts.username, parts.path
        self.open: set[int] = set()
        self.swallowed: set[int] = set()
        self.made = 0
        self.port = 0  # any
        self.passed: dict[int, float] = {}  # when something last went through, by connection
        self.ate = asyncio.Event()  # set once something was swallowed

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"postgresql://{self.user}@127.0.0.1:{self.port}{self.name}"

    def swallow(self) -> None:
        """From now on nothing goes through the connections that are open, and none is closed."""
        self.swallowed |= self.open

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made += 1
        number = self.made
        self.open.add(number)
        far_reader, far_writer = await asyncio.open_unix_connection(self.socket)
        tasks = [
            asyncio.create_task(self._pass(number, reader, far_writer)),
            asyncio.create_task(self._pass(number, far_reader, writer)),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        self.open.discard(number)
        for each in (writer, far_writer):
            each.close()

    async def _pass(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if number in self.swallowed:
                    self.ate.set()
                else:
                    self.passed[number] = time.monotonic()
                    writer.write(data)

    async def stop(self) -> None:
        self.server.close()
