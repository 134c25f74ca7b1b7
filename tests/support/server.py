"""A `retainer serve` of its own, and the command line."""

import atexit
import functools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

PASSWORD = "correct horse battery"


class Server:
    """A `retainer serve` of its own, on a data folder of its own."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        wait: bool = True,
        port: int | None = None,
        **settings: str,
    ) -> None:
        self.folder = folder or (data_folder() if "database_url" in settings else migrated_folder())
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = settings
        self.log = self.folder.with_name(f"{self.folder.name}.log")
        self.start(wait=wait)

    def start(self, *, wait: bool = True) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), env=self.environment(), stdout=log, stderr=log
            )
        if wait:
            self.wait_until_ready()

    def command(self) -> list[str]:
        where = ["--data", str(self.folder), "--port", str(self.port)]
        return [sys.executable, "-m", "retainer", "serve", *where]

    def environment(self) -> dict[str, str]:
        settings = {f"RETAINER_{k.upper()}": v for k, v in self.settings.items()}
        # A worker takes half a second of a start, and few of these servers are asked for its work.
        return environment(RETAINER_LOG="changes", RETAINER_WORKER="off") | settings

    def wait_until_ready(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        # One client: httpx.get() reads all certificates each time, which costs more than the start.
        with httpx.Client(base_url=self.url, timeout=2, trust_env=False, verify=False) as client:
            while time.monotonic() < end:
                if self.process.poll() is not None:
                    raise RuntimeError(f"the server ended:\n{self.log.read_text()}")
                try:
                    if client.get("/readyz").status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                time.sleep(0.05)
        raise RuntimeError(f"the server is not ready:\n{self.log.read_text()}")

    def errors(self) -> str:
        """The unknown errors in the log, for a failed assertion's message."""
        return "\n".join(
            line for line in self.log.read_text().splitlines() if '"event":"error"' in line
        )[-4000:]

    def last_words(self) -> str:
        """The ends of both logs, for a failed assertion's message."""
        logs = (self.log, self.folder / "postgres.log")
        return "\n".join(log.read_text()[-3000:] for log in logs if log.exists())

    @property
    def database_url(self) -> str:
        from retainer.server.postgres import embedded

        url = self.settings.get("database_url") or embedded.running(self.folder)
        assert url
        return url

    def stop(self, *, remove: bool = True) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.log.unlink(missing_ok=True)
        return code


def environment(**more: str) -> dict[str, str]:
    """This process's environment, without its settings of Retainer. Root's tests keep root's rights:
    another account may not be able to read the program, nor a test's folders.
    """
    own = {k: v for k, v in os.environ.items() if not k.startswith("RETAINER_")}
    if os.geteuid() == 0:
        own["RETAINER_USER"] = "root"
    return own | more


def data_folder() -> Path:
    """A folder that PostgreSQL's own account may pass through (pytest's are for root alone)."""
    folder = Path(tempfile.mkdtemp(prefix="retainer-test-", dir="/tmp"))
    folder.chmod(0o755)
    return folder


def migrated_folder() -> Path:
    """A data folder with a database that is migrated and empty: to copy one takes a quarter of the
    work of making it.
    """
    folder = data_folder()
    system = {"PATH": os.confstr("CS_PATH") or ""}  # a test may have taken PATH away
    subprocess.run(["cp", "-a", f"{_migrated()}/.", str(folder)], check=True, env=system)
    return folder


@functools.cache
def _migrated() -> Path:
    folder = data_folder()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = retainer("migrate", "--data", str(folder))
    assert made.returncode == 0, made.stderr
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def retainer(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "retainer", *arguments], capture_output=True, text=True, timeout=60,
        env=environment() | {f"RETAINER_{k.upper()}": v for k, v in settings.items()},
    )  # fmt: skip


def until(condition, seconds: float, what: str) -> float:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if condition():
            return time.monotonic() - began
        time.sleep(0.02)
    raise AssertionError(what)


def status(server: Server, path: str) -> int:
    return httpx.get(server.url + path, timeout=10, trust_env=False).status_code
