"""A start: whoever calls meanwhile is answered, the database is waited for, low limits are named."""

import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import httpx
import pytest

from retainer.database.migrate import MigrationError, NotWritable
from retainer.http.headers import SECURITY
from retainer.server import limits, startup
from retainer.server.postgres.postmaster import read_pid_file
from retainer.server.startup import Handover, StartupResponder, when_database_answers
from support.kill import sign_in
from support.relay import Relay
from support.server import Server, free_port, status, until
from support.sql import Sql


def test_during_a_start_only_the_health_is_well() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    handover = Handover(workers=1)
    with (
        StartupResponder(listener, handover),
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        assert client.get("/healthz").json() == {"status": "starting"}
        assert client.head("/healthz").status_code == 200
        for method, path in [
            ("GET", "/readyz"),
            ("GET", "/api/organizations?limit=1"),
            ("GET", "/"),
            ("POST", "/api/bulk"),
        ]:
            refused = client.request(
                method, path, content=b"x" * 300_000 if method == "POST" else None
            )
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert refused.headers["content-type"] == "application/problem+json"
            assert refused.json()["instance"] == path.partition("?")[0]
            assert SECURITY == [(n, refused.headers[n.decode()].encode()) for n, _ in SECURITY]
        handover.take()
        # From here on a connection waits for the server.
        with socket.create_connection(listener.getsockname()):
            listener.settimeout(5)
            listener.accept()[0].close()
    listener.close()


def test_what_is_no_request_does_not_stop_the_responder() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    with StartupResponder(listener, Handover(workers=1)):
        for bytes_ in (b"\r\n\r\n", b"\xff\xfe GET\r\n\r\n", b"x" * 100_000, b""):
            with socket.create_connection(listener.getsockname()) as client:
                client.sendall(bytes_)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/healthz"
        assert httpx.get(url, trust_env=False).status_code == 200
    listener.close()


class Events(list[str]):
    """The reasons that a log was told."""

    def event(self, _event: str, reason: str) -> None:
        self.append(reason)


def outcomes(*errors: Exception) -> Callable[[], object]:
    """Work that raises each of these in turn, then succeeds."""
    coming = iter(errors)

    async def work() -> str:
        for error in coming:
            raise error
        return "done"

    return work


def test_a_database_that_is_away_is_waited_for_and_each_reason_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(startup, "RETRY_SECONDS", 0)
    log = Events()
    away = [
        ConnectionRefusedError(111, "Connection refused"),
        ConnectionRefusedError(111, "Connection refused"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.ConnectionDoesNotExistError("connection was closed"),
        asyncpg.TooManyConnectionsError("too many clients"),
        NotWritable("The database is in recovery"),
        TimeoutError(),
    ]
    assert when_database_answers(outcomes(*away), log) == "done"
    assert len(log) == len(away) - 1
    assert "The database is in recovery" in log


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InvalidPasswordError("password authentication failed"),
        asyncpg.InvalidCatalogNameError('database "nowhere" does not exist'),
        MigrationError("The database's schema is older"),
        asyncpg.InterfaceError("the address cannot be read"),
        asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    ],
)
def test_what_waiting_does_not_cure_ends_the_start(error: Exception) -> None:
    log = Events()
    with pytest.raises(type(error)):
        when_database_answers(outcomes(error), log)
    assert log == []


def test_as_many_files_may_be_open_as_the_hard_limit_lets() -> None:
    raising = "from retainer.server import limits; limits.raise_open_files();"
    telling = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"

    def started(soft: int, hard: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", raising + telling], capture_output=True, text=True, check=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
        )  # fmt: skip

    raised = started(256, 5000)
    assert (raised.stdout.strip(), raised.stderr) == ("5000", "")
    low = started(256, 512)
    assert low.stdout.strip() == "512"
    assert "WARNING: only 512 files" in low.stderr


def test_clients_near_the_limit_of_files_are_told_once_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (512, 512))
    connections = limits.OpenConnections()
    for number, now in ((447, 0), (448, 1), (449, 2), (447, 70), (500, 62), (500, 121.9)):
        connections.count(number, now)
    told = [record.getMessage().partition(" ")[0] for record in caplog.records]
    assert told == ["448", "500"]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, 0))
    limits.OpenConnections().count(100_000, 0)
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"memory.max": "134217728"}, 128),
        ({"memory.max": "max", "a/memory.max": "134217728"}, 128),
        ({"a/b/memory.max": "1073741824", "a/memory.max": "100000000"}, 95),
        ({"a/b/memory.max": "268435456"}, None),
        ({"a/b/memory.max": "max"}, None),
    ],
)
def test_a_memory_limit_that_is_too_low_is_named(
    files: dict[str, str],
    limit: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(limits, "CGROUPS", tmp_path)
    monkeypatch.setattr(limits, "cgroups", lambda: [("", "/a/b")])
    limits.warn_of_little_memory()
    told = capsys.readouterr().err
    assert told.startswith(f"WARNING: the memory limit of {limit} MB") if limit else told == ""


@pytest.mark.slow
def test_a_start_without_its_database_waits_for_it(own_database: str, sql: Sql) -> None:
    relay = Relay(own_database)
    relay.port = free_port()
    url = f"postgresql://{relay.user}@127.0.0.1:{relay.port}{relay.name}"
    server = Server(wait=False, database_url=url)
    try:
        until(lambda: "waiting for the database" in server.log.read_text(), 60, "it says so")
        assert (status(server, "/healthz"), status(server, "/readyz")) == (200, 503)
        sql.run(relay.start())
        server.wait_until_ready()
        assert server.log.read_text().count("waiting for the database") == 1
        sql.run(relay.stop())
    finally:
        server.process.send_signal(signal.SIGHUP)
        assert server.process.wait(20) == 0


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGHUP, signal.SIGQUIT])
def test_signals_that_stop_finish_the_work_and_others_do_nothing(
    own: Server, stop: signal.Signals
) -> None:
    for nothing in (signal.SIGUSR1, signal.SIGUSR2):
        own.process.send_signal(nothing)
    assert sign_in(own)
    own.process.send_signal(stop)
    assert own.process.wait(20) == 0
    assert not (own.folder / "postgres" / "postmaster.pid").exists()


def running(cluster: Path) -> int | None:
    found = read_pid_file(cluster)
    return found.pid if found and found.status == "ready" else None


@pytest.mark.slow
def test_a_database_that_was_told_to_stop_is_started_again(own: Server) -> None:
    cookie = {"Cookie": sign_in(own)}
    left = int((own.folder / "postgres" / "postmaster.pid").read_text().split()[0])
    subprocess.run(["kill", "-TERM", str(left)], check=True)
    until(lambda: running(own.folder / "postgres") not in (None, left), 20, "another one runs")
    until(lambda: '"database is back"' in own.log.read_text(), 20, "and it is noticed")
    own.wait_until_ready(20)
    answers = [httpx.get(f"{own.url}/api/user", headers=cookie).status_code for _ in range(20)]
    assert answers == [200] * 20


def test_a_stop_that_comes_during_the_start_stops_the_database_too() -> None:
    script = "import signal, time; from retainer.server import signals; signals.stop_by_exit()\n"
    script += "try: print('ready', flush=True); time.sleep(60)\nfinally: print('stopped')"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGUSR1)
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=20)[0] == "stopped\n"
        assert process.returncode == 0
