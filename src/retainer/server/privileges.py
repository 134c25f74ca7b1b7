"""Root's rights, given up once the port is bound and the data folder is the account's."""

import os
import pwd
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import msgspec

import retainer
from retainer.config import ConfigError, Settings
from retainer.files import account
from retainer.files.account import Account
from retainer.server.postgres import embedded, ownership, programs

# Files of every part of the program: its interpreter, the standard library, libraries, ourselves.
PROGRAM = (sys.executable, os.__file__, msgspec.__file__, asyncpg.__file__, retainer.__file__)


def give_up(settings: Settings, *, is_required: bool) -> Settings:
    """Settings under which this process goes on, as our account when it was root. Where the account
    cannot read the program it stays root, with a warning, or where it is required raises
    ConfigError.
    """
    os.umask(0o077)
    data = embedded.default_data()
    if settings.data:
        data = Path(settings.data)
    data = data.absolute()
    settings = msgspec.structs.replace(settings, data=str(data))
    is_refused = data.exists() and not data.is_dir()  # by database(), in words for every account
    if os.geteuid() != 0 or is_refused:
        return settings
    worker = account.for_work()
    if account.chosen() == account.STAYS:
        return settings
    barred = find_barred(worker, PROGRAM)
    if barred and is_required:
        raise ConfigError(
            f"{barred} does not let the account {worker.name} through to the program: install it"
            f" elsewhere, such as /opt, or serve as root: {account.SETTING}={account.STAYS}."
        )
    if barred:
        sys.stderr.write(
            f"Warning: this goes on as root, because {barred} does not let the account"
            f" {worker.name} through to the program. The database runs as {worker.name}.\n"
        )
        return settings
    embedded.refuse_unreachable(data, worker)
    _hand_over(data, worker)
    if data.stat().st_uid == 0:  # a server uses it that stayed root
        return settings
    settings = _with_programs(settings, worker)
    _become(worker)
    return settings


@contextmanager
def _acting_as(worker: Account) -> Iterator[None]:
    groups, group = os.getgroups(), os.getegid()
    os.setgroups(os.getgrouplist(worker.name, worker.gid))
    os.setegid(worker.gid)
    os.seteuid(worker.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def find_barred(worker: Account, program: Iterable[str]) -> Path | None:
    """The folder or file of a program that the account cannot pass or read; None: it can run."""
    paths = [path for file in program for path in (Path(file).resolve(), Path(file))]
    with _acting_as(worker):
        for path in paths:
            for folder in reversed(path.parents):
                if not os.access(folder, os.X_OK, effective_ids=True):
                    return folder
            if not os.access(path, os.R_OK, effective_ids=True):
                return path
    return None


def _with_programs(settings: Settings, worker: Account) -> Settings:
    """Settings that name PostgreSQL's programs, copied where the account cannot run them."""
    if settings.database_url or embedded.running(Path(settings.data)):
        return settings
    chosen = None
    if settings.postgres_bin:
        chosen = Path(settings.postgres_bin)
    runs = programs.runnable(programs.find(chosen), worker)
    return msgspec.structs.replace(settings, postgres_bin=str(runs))


def _hand_over(data: Path, worker: Account) -> None:
    """Give the data folder, made where missing, to the account. One in use is its account's."""
    programs.make_folder(data)
    if data.stat().st_mode & stat.S_IWOTH:
        raise ConfigError(f"The data folder {data} is everybody's; choose another with --data.")
    if not ownership.may_take(data, worker):
        return
    try:
        lock = embedded.lock_folder(data)
    except programs.EmbeddedError:
        return
    try:
        ownership.take_data(data, worker)
    finally:
        lock.release()


def note_roots_files(data: Path) -> None:
    """Tell a later start that this one, which stayed root, leaves files to be handed over. A folder
    of anybody else's tells it as it is.
    """
    if os.geteuid() == 0 and data.stat().st_uid == account.for_work().uid:
        os.chown(data, 0, 0)


def _become(worker: Account) -> None:
    os.initgroups(worker.name, worker.gid)
    os.setresgid(worker.gid, worker.gid, worker.gid)
    os.setresuid(worker.uid, worker.uid, worker.uid)
    os.environ |= {"HOME": pwd.getpwnam(worker.name).pw_dir, "USER": worker.name}
    os.environ.pop("XDG_RUNTIME_DIR", None)  # root's
    if not os.access(".", os.R_OK | os.X_OK):
        os.chdir("/")  # processes of ours begin in this folder
