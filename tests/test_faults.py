"""What happens when something is missing, slow, full or stopped."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from conftest import PASSWORD, Cast, Server, data_folder, free_port
from test_crash import children, kill_postmaster, sign_in, workers

pytestmark = pytest.mark.slow  # each starts, stops or kills a server of its own


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


def retainer(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RETAINER_")}
    return subprocess.run(
        [sys.executable, "-m", "retainer", *arguments], capture_output=True, text=True, timeout=60,
        env=environment | {f"RETAINER_{k.upper()}": v for k, v in settings.items()},
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


def test_a_frozen_database_is_503_and_ready_again_afterwards(own: Server) -> None:
    cookie = {"Cookie": sign_in(own)}
    frozen = [int((own.folder / "postgres" / "postmaster.pid").read_text().split()[0])]
    frozen += children(frozen[0])
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: status(own, "/readyz") == 503, 4, "not ready while the database hangs")
        assert status(own, "/healthz") == 200, "alive all the same"
        began = time.monotonic()
        answer = httpx.get(f"{own.url}/api/organizations", headers=cookie, timeout=10)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert answer.headers["content-type"] == "application/problem+json"
        assert time.monotonic() - began < 3, "refused, not hung"
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    until(lambda: status(own, "/readyz") == 200, 5, "ready again")
    assert httpx.get(f"{own.url}/api/organizations", headers=cookie).status_code == 200


def test_a_killed_database_is_started_again(own: Server) -> None:
    cookie = {"Cookie": sign_in(own)}
    kill_postmaster(own)
    until(
        lambda: (
            httpx.get(f"{own.url}/api/organizations", headers=cookie, timeout=10).status_code == 200
        ),
        10,
        "it is back",
    )


@pytest.mark.parametrize("keep", [True, False], ids=["reused connections", "a connection each"])
@pytest.mark.parametrize("own", ["1", "2"], ids=["one process", "two workers"], indirect=True)
def test_a_stop_finishes_what_is_on_its_way(own: Server, keep: bool) -> None:
    headers = {"Cookie": sign_in(own)} | ({} if keep else {"Connection": "close"})
    statuses: list[int] = []
    lost: list[str] = []
    refused = threading.Event()

    def create(client: httpx.Client) -> None:
        while not refused.is_set():
            try:
                answer = client.post(
                    "/api/organizations", json={"name": "N", "type": "other"}, headers=headers
                )
                statuses.append(answer.status_code)
            except httpx.ConnectError:
                refused.set()
            except httpx.TransportError as error:
                lost.append(repr(error))

    threads = [
        threading.Thread(target=create, args=(httpx.Client(base_url=own.url, timeout=20),))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    until(lambda: len(statuses) > 20, 10, "under load")
    began = time.monotonic()
    own.process.send_signal(signal.SIGTERM)
    assert own.process.wait(15) == 0
    took = time.monotonic() - began
    refused.set()
    for thread in threads:
        thread.join()
    assert took < 10
    assert set(statuses) == {200}
    assert lost == []


def test_no_process_is_left_behind(own: Server) -> None:
    mine = workers(own)
    own.process.kill()
    own.process.wait()
    until(
        lambda: (
            not any(
                Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes()
                for pid in mine
            )
        ),
        12,
        "workers end with their parent",
    )
    own.start()
    assert status(own, "/readyz") == 200
    own.stop(remove=False)
    assert not (own.folder / "postgres" / "postmaster.pid").exists(), (
        "and the database stops with us"
    )


def test_an_unreachable_database_is_one_line() -> None:
    answer = retainer(
        "serve",
        "--port",
        str(free_port()),
        database_url=f"postgresql://nobody@127.0.0.1:{free_port()}/none",
    )
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "cannot be reached" in answer.stderr


def test_a_taken_port_is_one_line(server: Server) -> None:
    folder = data_folder()
    answer = retainer("serve", "--port", str(server.port), "--data", str(folder))
    assert (answer.returncode, answer.stderr) == (
        1,
        f"retainer: Port {server.port} is taken; choose another with --port.\n",
    )


def test_a_second_server_on_one_data_folder_says_so(server: Server) -> None:
    answer = retainer("serve", "--port", str(free_port()), "--data", str(server.folder))
    assert answer.returncode == 1
    assert "is in use by process" in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(("settings", "words"), [
    ({"prot": "80"}, "RETAINER_PROT is not a setting. Did you mean RETAINER_PORT?"),
    ({"port": "eighty"}, "RETAINER_PORT must be a whole number"),
    ({"port": "70000"}, "RETAINER_PORT must be 0 to 65535"),
    ({"workers": "0"}, "RETAINER_WORKERS must be at least 1"),
    ({"public_url": "example.com"}, "RETAINER_PUBLIC_URL must be an address"),
    ({"trusted_proxies": "everybody"}, "RETAINER_TRUSTED_PROXIES must be addresses"),
    ({"log": "loud"}, "RETAINER_LOG must be one of"),
    ({"database_url": "mysql://x"}, "RETAINER_DATABASE_URL must be"),
    ({"storage_url": "zip://x"}, "RETAINER_STORAGE_URL must be such as s3://bucket/prefix"),
    ({"storage_url": "s3://"}, "RETAINER_STORAGE_URL must be such as s3://bucket/prefix"),
    ({"storage_url": "memory:///"}, "RETAINER_STORAGE_URL must be such as s3://bucket/prefix"),
    ({"admin_password_file": sys.executable}, "is not text in UTF-8"),
    ({"admin_password_file": "/nowhere"}, "RETAINER_ADMIN_PASSWORD_FILE: cannot read /nowhere"),
])  # fmt: skip
def test_a_wrong_setting_is_one_line(settings: dict[str, str], words: str) -> None:
    answer = retainer("config", **settings)
    assert answer.returncode == 1
    assert words in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(("settings", "words"), [
    ({"storage_url": "az://container"}, "RETAINER_STORAGE_URL cannot be used: "),
    ({"storage_url": "file:///proc/nowhere"}, "The storage /proc/nowhere cannot be used: "),
    ({"time_zone": "Mars"}, "RETAINER_TIME_ZONE must be the name of a time zone"),
    ({"admin_email": "nobody"}, "RETAINER_ADMIN_EMAIL must be an e-mail address"),
    ({"tenant": " "}, "RETAINER_TENANT must have 1 to 255 characters"),
])  # fmt: skip
def test_a_setting_that_only_the_start_can_judge_is_one_line_too(
    settings: dict[str, str], words: str
) -> None:
    folder = data_folder()
    answer = retainer("serve", "--port", str(free_port()), "--data", str(folder), **settings)
    shutil.rmtree(folder)
    assert answer.returncode == 1
    assert words in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_an_option_left_empty_is_none() -> None:
    assert re.search(
        r"RETAINER_HOST +127\.0\.0\.1 +default", retainer("config", "--host", "").stdout
    )


def test_config_masks_secrets(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hunter2-hunter2\n")
    answer = retainer(
        "config", admin_password_file=str(secret), database_url="postgresql://u:hunter3@h/d"
    )
    assert answer.returncode == 0
    assert "hunter" not in answer.stdout
    assert "RETAINER_ADMIN_PASSWORD_FILE" in answer.stdout


def test_a_body_of_a_gigabyte_is_refused_without_reading_it(server: Server, cast: Cast) -> None:
    before = memory(server)
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(
            (
                f"POST /api/organizations HTTP/1.1\r\nHost: x\r\nCookie: connect.sid={cast.ada.token}\r\n"
                "Content-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n"
            ).encode()
        )
        assert b" 413 " in raw.recv(4096)
    assert memory(server) < before + 20_000


def test_an_endless_body_is_refused_on_the_way(server: Server, cast: Cast) -> None:
    before = memory(server)

    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 65536

    try:
        answer = cast.ada.request(
            "POST",
            "/api/organizations",
            content=endless(),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 413
    except httpx.TransportError:
        pass  # refused while still writing
    assert memory(server) < before + 20_000


def memory(server: Server) -> int:
    """Resident KiB of the serving processes."""
    total = 0
    for pid in workers(server):
        text = Path(f"/proc/{pid}/status").read_text()
        total += int(text.split("VmRSS:")[1].split()[0])
    return total
