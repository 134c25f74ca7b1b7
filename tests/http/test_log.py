"""The log: on a terminal, and what it warns of."""

import json
from typing import Any

import pytest

from retainer.http.log import Log
from support.in_process import InProcess
from support.server import Server
from support.sql import Sql


def test_control_characters_of_a_path_are_escaped_in_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = Log("requests")
    log.for_people = True
    log.event("request", path="/\x1b[2J\n12:00:00 forged\x9b1m", user=None)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert not {"\x1b", "\x9b"} & set(said)


def test_a_proxy_that_is_not_named_is_logged_once_with_the_setting_that_names_it(
    server: Server, sql: Sql, capsys: pytest.CaptureFixture[str]
) -> None:
    def logged(forwarded: dict[str, str], trusted: str = "") -> list[dict[str, Any]]:
        running = InProcess(server, sql, trusted_proxies=trusted)
        try:
            for _ in range(3):
                sql.run(running.client.get("/api/health", headers=forwarded))
            running.app.log.flush()
        finally:
            running.stop()
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        return [line for line in lines if line["event"] == "proxy not trusted"]

    forwarded = {"X-Forwarded-For": "203.0.113.7"}
    (line,) = logged(forwarded)
    assert line["address"] == "127.0.0.1"
    assert "RETAINER_TRUSTED_PROXIES" in line["message"]
    assert "203.0.113.7" not in str(line), "what is not believed is not repeated"
    (other,) = logged(forwarded, trusted="10.0.0.0/8")
    assert other["address"] == "127.0.0.1"
    assert logged(forwarded, trusted="127.0.0.1") == []
    assert logged({}) == []
