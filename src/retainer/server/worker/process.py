"""The worker as a child of `serve`: started once the server answers, again when it ends, and ended
with it.
"""

import subprocess
import sys
import time

RESTART_SECONDS = 1.0  # at least between two starts
STOP_SECONDS = 2.0  # for its transactions to be rolled back


class WorkerProcess:
    """The worker's process, looked after from one thread; without one where it is switched off."""

    def __init__(self, *, is_on: bool) -> None:
        self.is_on = is_on
        self.process: subprocess.Popen[bytes] | None = None
        self.started = float("-inf")

    def look_after(self) -> None:
        """Start it where it does not run."""
        runs = self.process is not None and self.process.poll() is None
        if runs or not self.is_on or time.monotonic() - self.started < RESTART_SECONDS:
            return
        self.started = time.monotonic()
        # A session of its own: Ctrl-C stops the server, which then stops the worker.
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "retainer.server.worker"],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self) -> None:
        """End it; what it was writing is rolled back."""
        self.is_on = False
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
