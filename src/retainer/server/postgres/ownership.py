"""Owners of a data folder: what root or another account left there is given to ours."""

import os
import stat
from pathlib import Path

from retainer.account import Account
from retainer.server.postgres.postmaster import Installation, adopt

# Of a data folder, what is not the cluster.
PARTS = "postgres.new", "documents", "socket", "lock", "postgres.log", "postgres.log.1", "address"


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
    for path in documents.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)
    documents.chmod(0o700)


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
