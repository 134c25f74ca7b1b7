"""Started as root: the server gives up root's rights, or says why it cannot."""

import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import retainer as package
from retainer.files import account
from retainer.server import privileges
from retainer.server.postgres import embedded, ownership
from retainer.server.postgres.programs import EmbeddedError
from support.server import PASSWORD, Server, data_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]

LIBRARIES = Path(httpx.__file__).parents[1]
SOURCE = Path(package.__file__).parents[1]


def readable_python() -> str | None:
    """An interpreter that the account can run, of this one's version."""
    system = f"/usr/bin/python3.{sys.version_info.minor}"
    files = [*privileges.PROGRAM[2:], str(LIBRARIES)]
    for python in (sys.executable, system):
        if not Path(python).exists():
            continue
        library = subprocess.run([python, "-c", "import os; print(os.__file__)"],
                                 capture_output=True, text=True).stdout.strip()  # fmt: skip
        if privileges.find_barred(account.for_work(), [python, library, *files]) is None:
            return python
    return None


class AsRoot(Server):
    """A server that root starts as an operator does, with an interpreter and a program of its own."""

    python, source = sys.executable, SOURCE

    def command(self) -> list[str]:
        return [self.python, *super().command()[1:]]

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "PYTHONPATH": f"{self.source}:{LIBRARIES}", "RETAINER_USER": ""
        }  # fmt: skip


def below(process: int) -> list[int]:
    """A process and all that descend from it."""
    found = [process]
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += below(int(child))
    return found


def low_port() -> int:
    for port in range(1023, 512, -1):
        try:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
                return port
        except OSError:
            continue
    raise AssertionError("no port below 1024 is free")


@pytest.fixture
def python() -> str:
    found = readable_python()
    if found is None:
        pytest.skip("needs an interpreter that other accounts can run")
    return found


def test_nothing_of_ours_keeps_roots_rights(python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AsRoot, "python", python)
    folder, nobody = data_folder(), pwd.getpwnam("nobody")
    server = AsRoot(folder, port=low_port(), admin_email="a@example.com", admin_password=PASSWORD)
    server.stop(remove=False)
    # As a release before left it: files of root that all can read, a cluster of another account.
    stored = folder / "documents" / "1"
    stored.mkdir(parents=True, exist_ok=True)
    (stored / "old").write_text("old")
    for path in (folder, *folder.rglob("*")):
        in_cluster = path.is_relative_to(folder / "postgres")
        os.lchown(path, nobody.pw_uid if in_cluster else 0, nobody.pw_gid if in_cluster else 0)
    for path in (folder / "documents", *(folder / "documents").rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    server.start()
    try:
        ours = account.for_work().uid
        processes = below(server.process.pid)
        assert len(processes) > 4
        assert {Path("/proc", str(each)).stat().st_uid for each in processes} <= {ours, 0}
        for each in processes:
            status = Path(f"/proc/{each}/status").read_text()
            line = next(line for line in status.splitlines() if line.startswith("Uid:"))
            assert set(line.split()[1:]) == {str(ours)}, status
        with httpx.Client(base_url=server.url, trust_env=False) as client:
            body = {"username": "a@example.com", "password": PASSWORD}
            assert client.post("/api/login", json=body).status_code == 200
            sent = client.post("/api/documents", files={"file": ("a.txt", b"text")})
            assert sent.status_code == 200, sent.text
        kept = [path for path in folder.rglob("*") if path != server.log and not path.is_symlink()]
        assert {path.stat().st_uid for path in kept} == {ours}
        open_to_others = [path for path in kept if path.stat().st_mode & 0o077 and path.is_file()]
        assert not open_to_others
        assert stat.S_IMODE((folder / "documents").stat().st_mode) == 0o700
    finally:
        server.stop()


def files(folder: Path) -> dict[str, tuple[int, int]]:
    paths = (folder, *folder.rglob("*"))
    return {str(path): (path.stat().st_uid, path.stat().st_mode) for path in paths}


@pytest.mark.parametrize(
    "names",
    [
        ["letter.txt"],
        ["documents/1/letter.txt"],
        ["documents/letter.txt", "postgres/PG_VERSION", "postgres/pg_hba.conf"],
        ["lock", "letter.txt"],
        ["address", "postgres/PG_VERSION"],
    ],
)
def test_a_folder_of_others_is_not_handed_over(names: list[str]) -> None:
    folder, nobody = data_folder(), pwd.getpwnam("nobody")
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("17\n" * (name != "lock"))
    for path in (folder, *folder.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    before = files(folder)
    try:
        with pytest.raises(EmbeddedError) as refused:
            privileges._hand_over(folder, account.for_work())
        line = str(refused.value)
        assert str(folder) in line and "choose an empty one with --data" in line, line
        assert "\n" not in line
        if (folder / "postgres").exists():
            with pytest.raises(EmbeddedError, match="holds other files than Retainer's"):
                embedded.start(folder)
        assert files(folder) == before
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    "texts",
    [
        {},
        {"lost+found": ""},
        {"lock": ""},
        {"lock": "4711", "postgres/PG_VERSION": "17", "postgres.log": "", "documents/1/a": "a"},
        {"lock": "4711", "address": "http://127.0.0.1:8000", "notes.txt": "the operator's"},
        {"documents/retainer-storage": "a mark", "documents/1/a": "a"},
    ],
    ids=["empty", "file system", "begun", "first release", "with notes", "documents alone"],
)
def test_an_empty_folder_and_every_releases_data_folder_is_handed_over(
    texts: dict[str, str],
) -> None:
    folder, nobody, worker = data_folder(), pwd.getpwnam("nobody"), account.for_work()
    for name, text in texts.items():
        file = folder / name
        if name == "lost+found":
            file.mkdir()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    try:
        privileges._hand_over(folder, worker)
        assert folder.stat().st_uid == worker.uid
        others = ("notes.txt", "lost+found")
        kept = [path for path in folder.rglob("*") if path.name not in others]
        assert {path.stat().st_uid for path in kept} == {worker.uid}
        left = [folder / name for name in others if (folder / name).exists()]
        assert {path.stat().st_uid for path in left} <= {nobody.pw_uid}
    finally:
        shutil.rmtree(folder)


def test_links_among_documents_open_and_close_nothing_elsewhere(tmp_path: Path) -> None:
    folder, elsewhere = data_folder(), tmp_path / "elsewhere"
    elsewhere.write_text("of somebody else")
    elsewhere.chmod(0o644)
    (folder / "documents" / "1").mkdir(parents=True)
    (folder / "documents" / "1" / "link").symlink_to(elsewhere)
    os.mkfifo(folder / "documents" / "1" / "pipe")
    (folder / "documents" / "1" / "file").touch(0o644)
    try:
        ownership.close_documents(folder / "documents", account.for_work())
        assert (elsewhere.stat().st_uid, stat.S_IMODE(elsewhere.stat().st_mode)) == (0, 0o644)
        kept = folder / "documents" / "1"
        assert [stat.S_IMODE(path.stat().st_mode) for path in (kept, kept / "file")] == [
            0o700,
            0o600,
        ]
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def barred(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the program below a folder that only root may enter."""
    folder = data_folder()
    shutil.copytree(SOURCE / "retainer", folder / "retainer")
    folder.chmod(0o700)
    monkeypatch.setattr(AsRoot, "source", folder)
    monkeypatch.setattr(AsRoot, "python", readable_python() or sys.executable)
    yield folder
    shutil.rmtree(folder)


def test_a_program_that_the_account_cannot_read_is_not_served(barred: Path) -> None:
    with pytest.raises(RuntimeError) as refused:
        AsRoot(data_folder())
    line = str(refused.value).partition("\n")[2].strip()
    assert line.count("\n") == 0
    assert "does not let the account retainer through to the program: install it elsewhere" in line
    if readable_python():
        assert str(barred) in line


def test_commands_on_such_a_program_go_on_with_a_warning(barred: Path) -> None:
    folder = data_folder()
    command = [AsRoot.python, "-m", "retainer", "user", "list", "--data", str(folder)]
    environment = {"PYTHONPATH": f"{barred}:{LIBRARIES}", "PATH": os.environ["PATH"]}
    answer = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert answer.returncode == 0, answer.stderr
    assert "Warning: this goes on as root" in answer.stderr
    assert (folder / "postgres").stat().st_uid == account.for_work().uid
    shutil.rmtree(folder)
