"""Owners of a data folder: what root or another account left there is given to ours."""

import os
import re
import shlex
import stat
from contextlib import suppress
from pathlib import Path

from retainer.files.account import Account
from retainer.server.postgres.postmaster import Installation, adopt
from retainer.server.postgres.programs import EmbeddedError

# Of a data folder, what is not the cluster.
PARTS = "postgres.new", "documents", "socket", "lock", "postgres.log", "postgres.log.1", "address"

# Files of a data folder by which it is known, whatever release made it, and how they begin.
MARKS = {
    "lock": r"\d*\Z",
    "address": "https?://",
    "documents/retainer-storage": ".",
    "postgres/pg_hba.conf": "# Written by Retainer",
}


def may_take(data: Path, account: Account) -> bool:
    """True when a folder is to be given to the account, False when its operator has done so. Raises
    EmbeddedError for a folder of others.
    """
    if is_ours(data):
        return True
    if data.stat().st_uid == account.uid:
        return False
    raise EmbeddedError(
        f"data folder {data} holds other files than Retainer's, which would be given to the account"
        f" {account.name}: choose an empty one with --data, or, if it is Retainer's, give it"
        f" yourself (chown -R {account.name} {shlex.quote(str(data))})"
    )


def is_ours(data: Path) -> bool:
    """True for a folder that may be given to our account: an empty one, or a data folder. Files of
    others may stand in one by now, but not before it is known by two marks.
    """
    names = {path.name for path in data.iterdir()} - {"lost+found"}  # of an empty file system
    if not names:
        return True
    found = sum(_begins(data / name, pattern) for name, pattern in MARKS.items())
    return found > 1 or (found == 1 and names <= {"postgres", *PARTS})


def _begins(file: Path, pattern: str) -> bool:
    with suppress(OSError):
        if stat.S_ISREG(file.lstat().st_mode):
            return re.match(pattern, file.read_bytes()[:100].decode(errors="replace")) is not None
    return False


def take_data(data: Path, account: Account) -> None:
    """Give a data folder to the account, with all that is ours in it."""
    if (data / "postgres").exists():
        take_cluster(Installation(data, Path(), account))
    was_others = data.stat().st_uid != account.uid
    for name in PARTS:
        part = data / name
        if part.is_dir() and (was_others or part.stat().st_uid != account.uid):
            give(part, account)
        elif part.exists():
            os.lchown(part, account.uid, account.gid)
    close_documents(data / "documents", account)
    os.chown(data, account.uid, account.gid)


def close_documents(documents: Path, account: Account) -> None:
    """Take others' rights to stored files, which older releases left them, and those of files that
    root has put there.
    """
    if not documents.is_dir():
        return
    roots = [path for path in documents.iterdir() if path.lstat().st_uid != account.uid]
    if not roots and stat.S_IMODE(documents.stat().st_mode) == 0o700:
        return
    give(documents, account)
    # From the bottom, so that an interrupted change is repeated.
    for _, _, files, open_folder in os.fwalk(documents, topdown=False):
        for name in files:
            _close_file(name, open_folder)
        os.fchmod(open_folder, 0o700)


def _close_file(name: str, open_folder: int) -> None:
    """Take others' rights to a file, by the file itself: its account could put a link in its place
    at any moment.
    """
    if not stat.S_ISREG(os.stat(name, dir_fd=open_folder, follow_symlinks=False).st_mode):
        return
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    with suppress(OSError):  # another file by now
        file = os.open(name, flags, dir_fd=open_folder)
        try:
            os.fchmod(file, os.fstat(file).st_mode & 0o700)
        finally:
            os.close(file)


def take_cluster(installation: Installation) -> None:
    """Give the cluster to its account, where another release or root left it to another one."""
    if installation.cluster.stat().st_uid == installation.account.uid:
        return
    if left := adopt(installation):  # it runs as the account of before
        left.stop()
    give(installation.cluster, installation.account)


def give(folder: Path, account: Account) -> None:
    """Give a folder and all that is in it to the account. What links lead to stays: whoever owned
    the folder may have put them there.
    """
    for _, folders, files, open_folder in os.fwalk(folder):
        for name in (*folders, *files):
            os.chown(name, account.uid, account.gid, dir_fd=open_folder, follow_symlinks=False)
    # Last, so that an interrupted change of owner is repeated.
    os.lchown(folder, account.uid, account.gid)
