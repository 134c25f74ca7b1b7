"""The watch over a running server: its greeting, its worker, the embedded database's life, log and
space.
"""

import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress

from retainer.config import Settings, local_url
from retainer.database.space import is_low
from retainer.server.notify import READY, notify
from retainer.server.postgres.embedded import Embedded
from retainer.server.postgres.programs import EmbeddedError
from retainer.server.worker.process import WorkerProcess

PAUSE, FIRST_PAUSE = 0.3, 0.05  # seconds between two looks; until the server answers
JOIN_SECONDS = 2.0  # for its thread to end
FULL_SECONDS = 10.0  # between two starts of a database that has no space

# Called once the server answers, because it tells the seconds that the start took.
Greeting = Callable[[], str]


class Supervisor:
    """Looks after a server, in a thread, until `stopping` is set."""

    def __init__(self, settings: Settings, embedding: Embedded | None, greeting: Greeting) -> None:
        self.settings, self.embedding, self.greeting = settings, embedding, greeting
        self.worker = WorkerProcess(is_on=settings.worker == "on")
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.is_greeted = False
        self.revived = float("-inf")  # when the database was last started again

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        """End the watch, and the worker."""
        self.stopping.set()
        self.thread.join(JOIN_SECONDS)
        self.worker.stop()

    def _run(self) -> None:
        while not self.stopping.wait(PAUSE if self.is_greeted else FIRST_PAUSE):
            if not self.is_greeted and _answers(self.settings):
                self.is_greeted = True
                notify(READY)
                _tell(self.greeting())
            if self.is_greeted:
                self.worker.look_after()
            if self.embedding is not None:
                with suppress(EmbeddedError, OSError):
                    self._look_after(self.embedding)

    def _look_after(self, embedding: Embedded) -> None:
        embedding.turn_log()
        if not embedding.alive():
            # Without space it would die again at once.
            is_early = time.monotonic() - self.revived < FULL_SECONDS
            if not (is_early and is_low(embedding.cluster)):
                self._revive(embedding, "has died")
        elif embedding.is_stopping():
            # It would serve its clients, and take no other, for as long as one of them stays.
            self._revive(embedding, "was told to stop")

    def _revive(self, embedding: Embedded, what: str) -> None:
        _tell(f"The embedded PostgreSQL {what}; starting it again.")
        self.revived = time.monotonic()
        embedding.revive()


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _answers(settings: Settings) -> bool:
    """True once a server answers, and no more the responder of the start."""
    url = f"{local_url(settings)}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=1) as response:  # noqa: S310 -- our own URL
            return response.status == 200 and b"starting" not in response.read()
    except OSError:
        return False
