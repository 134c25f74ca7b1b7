"""The owner's connection to the database, from tests that are not async."""

import asyncio
import threading
from typing import Any

from retainer.database.pool import connect


class Sql:
    """The owner's connection to the database, from tests that are not async."""

    def __init__(self, url: str) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.connection = self.run(connect(url))

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(120)

    def rows(self, text: str, *arguments: Any) -> list[Any]:
        return self.run(self.connection.fetch(text, *arguments))

    def value(self, text: str, *arguments: Any) -> Any:
        return self.run(self.connection.fetchval(text, *arguments))

    def close(self) -> None:
        self.run(self.connection.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
