"""The log on a terminal."""

import pytest

from retainer.http.log import Log


def test_control_characters_of_a_path_are_escaped_in_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = Log("requests")
    log.for_people = True
    log.event("request", path="/\x1b[2J\n12:00:00 forged\x9b1m", user=None)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert not {"\x1b", "\x9b"} & set(said)
