"""Supervision, as by systemd: a unit, and word of the start and of the stop."""

import socket
from configparser import RawConfigParser
from pathlib import Path

import pytest

from retainer.server.cli import parser
from retainer.server.notify import ENDING, READY, notify
from support.server import Server

UNIT = Path(__file__).parents[2] / "deploy" / "retainer.service"


def test_the_unit_says_how_to_start_and_to_stop() -> None:
    unit = RawConfigParser()
    unit.optionxform = str  # type: ignore[method-assign,assignment]
    unit.read(UNIT)
    service = unit["Service"]
    wanted = {
        "Type": "notify",
        "KillMode": "mixed",
        "LimitNOFILE": "65536",
        "TimeoutStopSec": "20",
        "TimeoutStartSec": "infinity",
        "Restart": "always",
    }
    assert {name: service[name] for name in wanted} == wanted
    program, *arguments = service["ExecStart"].split()
    assert program.endswith("/retainer")
    assert parser().parse_args(arguments).data.startswith("/var/lib/")


def test_without_a_supervisor_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify(READY)
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere")
    notify(READY)


def test_an_abstract_socket_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0retainer-test-notify")
        monkeypatch.setenv("NOTIFY_SOCKET", "@retainer-test-notify")
        notify(ENDING)
        assert listening.recv(100) == b"STOPPING=1"


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_supervisor_is_told_once_that_we_are_ready_and_that_we_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        server = Server(workers=workers)
        assert listening.recv(100) == b"READY=1"
        assert server.stop() == 0
        assert listening.recv(100) == b"STOPPING=1"
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.recv(100)
