"""The account that works for us when we are started as root: `retainer`, made where it is missing,
or the one that RETAINER_USER names.

A server has no use for root's rights once its port is bound (server/privileges.py gives them up),
and PostgreSQL refuses them. Nothing else runs as this account: whoever takes over another program,
under an account such as nobody, must not find our database.
"""

import fcntl
import grp
import os
import pwd
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from retainer.config import PREFIX, ConfigError

USUAL = "retainer"
STAYS = "root"  # for RETAINER_USER: the server keeps root's rights, its programs do not
SHARED = ("postgres", "nobody")  # others run as these
PASSWD, GROUP, LOCK = Path("/etc/passwd"), Path("/etc/group"), Path("/etc/.pwd.lock")
SYSTEM_IDS = range(999, 99, -1)  # of accounts for services, the highest first
SETTING = f"{PREFIX}USER"


class Account(NamedTuple):
    """An account of this machine."""

    name: str
    uid: int
    gid: int


def own() -> Account:
    """The account that this process runs as. Raises ConfigError when it has no name."""
    uid = os.geteuid()
    try:
        found = pwd.getpwuid(uid)
    except KeyError:
        raise ConfigError(f"Account {uid} has no name: add it to /etc/passwd.") from None
    if chosen() not in ("", found.pw_name):
        raise ConfigError(
            f"{SETTING} is {chosen()}, and this process runs as {found.pw_name}:"
            f" start it as root or as {chosen()}."
        )
    return Account(found.pw_name, uid, found.pw_gid)


def for_work() -> Account:
    """The account that programs of ours run as: under root not root's, else one's own. Raises
    ConfigError.
    """
    if os.geteuid() != 0:
        return own()
    name = chosen()
    if name in ("", STAYS):
        return _named(USUAL) or _made()
    if name in SHARED:
        raise ConfigError(f"{SETTING} must not be {name}, which other programs run as too.")
    account = _named(name)
    if account is None:
        raise ConfigError(f"{SETTING} is {name}, and there is no such account: make it first.")
    if account.uid == 0:
        raise ConfigError(f"{SETTING} must not be {name}, which has root's rights.")
    return account


def chosen() -> str:
    """The name in RETAINER_USER. Read here because programs ask that have no settings."""
    return os.environ.get(SETTING, "")


def _named(name: str) -> Account | None:
    with suppress(KeyError):
        found = pwd.getpwnam(name)
        return Account(found.pw_name, found.pw_uid, found.pw_gid)
    return None


def _made() -> Account:
    """The usual account, made. Raises ConfigError."""
    reason = ""
    for _ in range(20):  # another process may be making it
        try:
            _make()
            sys.stderr.write(f"Made the account {USUAL}, which Retainer and its database run as.\n")
        except (OSError, subprocess.CalledProcessError) as error:
            reason = (getattr(error, "stderr", "") or str(error)).strip()
        account = _named(USUAL)
        if account is not None:
            return account
        time.sleep(0.1)
    raise ConfigError(
        f"The account {USUAL} cannot be made ({reason}): make it, or name another with {SETTING}."
    )


def _make() -> None:
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        _write_down()
        return
    group = "--user-group"
    with suppress(KeyError):
        group = f"--gid={grp.getgrnam(USUAL).gr_gid}"
    command = [program, "--system", group, "--no-create-home", "--home-dir=/nonexistent"]
    command += ["--shell=/usr/sbin/nologin", USUAL]
    subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 -- no shell


def _write_down() -> None:
    """Add the account to the system's files, as useradd does: small containers have no useradd."""
    with LOCK.open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        if _named(USUAL) is not None:
            return
        taken = {entry.pw_uid for entry in pwd.getpwall()} | {g.gr_gid for g in grp.getgrall()}
        id = next(number for number in SYSTEM_IDS if number not in taken)
        _append(GROUP, f"{USUAL}:*:{id}:")
        _append(PASSWD, f"{USUAL}:*:{id}:{id}::/nonexistent:/usr/sbin/nologin")


def _append(file: Path, line: str) -> None:
    text = file.read_text()
    start = "" if text.endswith("\n") or not text else "\n"
    with file.open("a") as whole:
        whole.write(f"{start}{line}\n")
