"""The account that works for us under root: made where it is missing, and shared with nobody."""

import os
import pwd
from pathlib import Path

import pytest

from retainer.config import ConfigError
from retainer.files import account

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="needs root")


@as_root
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("postgres", "must not be postgres, which other programs run as too"),
        ("nobody", "must not be nobody, which other programs run as too"),
        ("no-such-account", "no such account: make it first"),
    ],
)
def test_an_account_that_would_not_be_ours_alone_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, problem: str
) -> None:
    monkeypatch.setenv("RETAINER_USER", name)
    with pytest.raises(ConfigError, match=f"RETAINER_USER .*{problem}"):
        account.for_work()


@as_root
def test_the_account_that_is_named_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAINER_USER", "daemon")
    assert account.for_work() == account.Account("daemon", *pwd.getpwnam("daemon")[2:4])


@as_root
def test_where_the_server_stays_root_its_programs_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAINER_USER", "root")
    assert account.for_work().name == "retainer"


@as_root
def test_without_a_name_it_is_an_account_without_a_password_and_a_shell() -> None:
    ours = account.for_work()
    entry = pwd.getpwnam(ours.name)
    assert (ours.name, entry.pw_uid, entry.pw_gid) == ("retainer", ours.uid, ours.gid)
    assert ours.uid != 0


def test_without_root_one_works_as_oneself_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    me = pwd.getpwuid(os.geteuid())
    monkeypatch.delenv("RETAINER_USER", raising=False)
    assert account.own() == account.Account(me.pw_name, me.pw_uid, me.pw_gid)
    monkeypatch.setenv("RETAINER_USER", "somebody")
    with pytest.raises(ConfigError, match=r"RETAINER_USER is somebody, .* start it as root or as"):
        account.own()


def test_where_no_program_makes_accounts_it_is_written_down(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    passwd, group = tmp_path / "passwd", tmp_path / "group"
    passwd.write_text("root:x:0:0::/root:/bin/sh")  # its last line may lack an end
    group.write_text("root:x:0:\n")
    for name, path in (("PASSWD", passwd), ("GROUP", group), ("LOCK", tmp_path / "lock")):
        monkeypatch.setattr(account, name, path)
    monkeypatch.setattr(account, "USUAL", "retainer-of-a-test")
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    account._make()
    (first, entry), (_, of_group) = (file.read_text().splitlines() for file in (passwd, group))
    name, password, uid, gid, _, home, shell = entry.split(":")
    assert first == "root:x:0:0::/root:/bin/sh"
    assert (name, password, uid, home) == ("retainer-of-a-test", "*", gid, "/nonexistent")
    assert shell == "/usr/sbin/nologin"
    assert of_group == f"retainer-of-a-test:*:{gid}:"
    assert 100 <= int(uid) <= 999
    assert int(uid) not in {entry.pw_uid for entry in pwd.getpwall()}
