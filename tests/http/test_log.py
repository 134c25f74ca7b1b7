"""The log on a terminal."""

import pytest

from retainer.http.log import Log


def test_a_path_does_not_steer_the_operators_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log("requests")
    log.for_people = True
    log.event("request", path="/\x1b[2J\n12:00:00 forged\x9b1m", user=None)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert not {"\x1b", "\x9b"} & set(said)
