"""A start that fails says why in one line."""

import os
import shutil
import sys
import threading
from typing import Any

import pytest

from retainer.server.cli import main
from support.server import Server, data_folder, free_port, retainer


@pytest.mark.slow
def test_an_unreachable_database_fails_a_command_with_one_line() -> None:
    answer = retainer(
        "user", "list", database_url=f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    )
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "cannot be reached" in answer.stderr


@pytest.mark.slow
def test_a_taken_port_fails_the_start_with_one_line(server: Server) -> None:
    folder = data_folder()
    answer = retainer("serve", "--port", str(server.port), "--data", str(folder))
    assert (answer.returncode, answer.stderr) == (
        1,
        f"retainer: Port {server.port} is taken; choose another with --port.\n",
    )


@pytest.mark.slow
def test_a_second_server_on_one_data_folder_says_so(server: Server) -> None:
    answer = retainer("serve", "--port", str(free_port()), "--data", str(server.folder))
    assert answer.returncode == 1
    assert "is in use by process" in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.slow
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
def test_a_wrong_setting_fails_the_start_with_one_line(
    settings: dict[str, str], words: str
) -> None:
    answer = retainer("config", **settings)
    assert answer.returncode == 1
    assert words in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize(("settings", "words"), [
    ({"storage_url": "az://container"}, "RETAINER_STORAGE_URL cannot be used: "),
    ({"storage_url": "file:///proc/nowhere"}, "The storage /proc/nowhere cannot be used: "),
    ({"time_zone": "Mars"}, "RETAINER_TIME_ZONE must be the name of a time zone"),
    ({"admin_email": "nobody"}, "RETAINER_ADMIN_EMAIL must be an e-mail address"),
    ({"tenant": " "}, "RETAINER_TENANT must have 1 to 255 characters"),
])  # fmt: skip
def test_a_setting_checked_only_at_the_start_fails_it_with_one_line(
    settings: dict[str, str], words: str
) -> None:
    folder = data_folder()
    answer = retainer("serve", "--port", str(free_port()), "--data", str(folder), **settings)
    shutil.rmtree(folder)
    assert answer.returncode == 1
    assert words in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda url: url.replace("/retainer?", "/nowhere?"),
            'PostgreSQL refuses: database "nowhere" does not exist',
        ),
        (lambda url: url.replace("//retainer@", "//stranger@"), "PostgreSQL refuses: "),
        (lambda url: url + "&sslmode=wrong", "PostgreSQL refuses: `sslmode`"),
        (lambda _: "postgresql://u:p/w@h:1/x", "RETAINER_DATABASE_URL cannot be read"),
    ],
)
def test_an_unusable_database_fails_the_start_with_one_line(
    server: Server,
    change: Any,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RETAINER_DATABASE_URL", change(server.database_url))
    if os.geteuid() == 0:
        monkeypatch.setenv("RETAINER_USER", "root")
    result: list[int] = []
    # In a thread of its own: it starts an event loop.
    thread = threading.Thread(target=lambda: result.append(main(["user", "list"])))
    thread.start()
    thread.join(30)
    said = capsys.readouterr().err
    assert result == [1]
    assert words in said
    assert said.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_start_that_other_machines_can_reach_warns(command: str) -> None:
    """Of a storage that cannot be opened, so that it ends by itself."""
    started = retainer(
        command, "--host", "0.0.0.0", "--port", str(free_port()), storage_url="az://container"
    )
    assert started.returncode == 1
    said = {"serve": "RETAINER_PUBLIC_URL is not set", "demo": "gita@example.com is published"}
    assert "Warning: " in started.stderr and said[command] in started.stderr
    again = retainer(command, "--port", str(free_port()), storage_url="az://container")
    assert "Warning" not in again.stderr
