"""The commands of an operator, beside a running server and on an external PostgreSQL."""

import re
import secrets
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from retainer.database.migrate import available
from retainer.server import demo
from retainer.server.cli import main
from retainer.server.postgres import embedded
from support.cast import Cast
from support.server import (
    PASSWORD,
    Server,
    data_folder,
    environment,
    free_port,
    retainer,
    until,
)
from support.sql import Sql


def sign_in(url: str, username: str, password: str) -> int:
    body = {"username": username, "password": password}
    return httpx.post(f"{url}/api/login", json=body, timeout=20, trust_env=False).status_code


def run(server: Server, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "retainer", *arguments, "--data", str(server.folder)],
        capture_output=True, text=True, input=typed, timeout=60, env=environment(),
    )  # fmt: skip


@pytest.mark.slow
def test_a_tenant_is_added_beside_a_running_server(server: Server) -> None:
    email = f"{secrets.token_hex(4)}@example.com"
    added = run(
        server,
        "tenant",
        "add",
        "Third",
        "--admin-email",
        email,
        "--password-stdin",
        typed=f"{PASSWORD}\n",
    )
    assert added.returncode == 0, added.stderr
    assert sign_in(server.url, email, PASSWORD) == 200


@pytest.mark.slow
def test_a_user_without_a_password_gets_a_link(server: Server) -> None:
    email = f"{secrets.token_hex(4)}@example.com"
    added = run(
        server,
        "user",
        "add",
        "--tenant",
        "1",
        "--email",
        email,
        "--name",
        "Uma",
        "--role",
        "consultant",
    )
    assert added.returncode == 0, added.stderr
    token = re.search(r"/setup#token=(\S+)", added.stdout)
    assert token, added.stdout
    again = run(server, "user", "link", "--email", email)
    newer = re.search(r"/setup#token=(\S+)", again.stdout)
    assert newer
    setup = f"{server.url}/api/setup"
    assert httpx.post(setup, json={"token": token[1], "password": PASSWORD}).status_code == 422, (
        "replaced by the newer"
    )
    assert httpx.post(setup, json={"token": newer[1], "password": PASSWORD}).status_code == 200
    assert sign_in(server.url, email, PASSWORD) == 200
    assert re.search(
        rf"{re.escape(email)}\s+consultant\s+active",
        run(server, "user", "list", "--tenant", "1").stdout,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "typed", "words"), [
    (["user", "link", "--email", "nobody@example.com"], "", "No user is called nobody@example.com"),
    (["user", "add", "--tenant", "none", "--email", "a@example.com", "--name", "A", "--role", "staff"], "", "Say which tenant with --tenant"),
    (["user", "add", "--tenant", "1", "--email", "nomail", "--name", "A", "--role", "staff"], "", "username: must be an e-mail"),
    (["user", "add", "--tenant", "1", "--email", "root@example.com", "--name", "A", "--role", "staff"], "", "already taken"),
    (["tenant", "add", "T", "--admin-email", "w@example.com", "--password-stdin"], "password1\n", "most common passwords"),
])  # fmt: skip
def test_a_wrong_command_fails_with_one_line(
    server: Server, arguments: list[str], typed: str, words: str
) -> None:
    answer = run(server, *arguments, typed=typed)
    assert answer.returncode == 1
    assert words in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.slow
def test_routes_are_printed_with_their_permissions(server: Server) -> None:
    printed = retainer("routes").stdout
    assert re.search(
        r"POST\s+/api/organizations\s+organizations.create\s+admin, consultant", printed
    )
    assert re.search(r"POST\s+/api/login\s+public\s+anybody", printed)


@pytest.mark.slow
def test_serve_migrates_an_empty_external_database(own_database: str) -> None:
    running = Server(
        database_url=own_database, admin_email="root2@example.com", admin_password=PASSWORD
    )
    try:
        assert sign_in(running.url, "root2@example.com", PASSWORD) == 200
        assert not (running.folder / "postgres").exists()
    finally:
        running.stop()


@pytest.mark.slow
def test_without_a_password_the_first_start_prints_a_link(own_database: str) -> None:
    running = Server(database_url=own_database)
    try:
        until(lambda: "#token=" in running.log.read_text(), 5, "the link is printed")
        link = re.search(r"http://\S+/setup#token=(\S+)", running.log.read_text())
        assert link
        made = httpx.post(f"{running.url}/api/setup", json={"token": link[1], "password": PASSWORD})
        assert (made.status_code, made.json()["role"]) == (200, "admin")
    finally:
        running.stop()


@pytest.mark.slow
def test_an_older_schema_is_refused_with_the_command_named(own_database: str) -> None:
    assert retainer("migrate", database_url=own_database).returncode == 0
    owner = Sql(own_database)
    owner.rows("DELETE FROM migrations WHERE number = $1", available()[-1][0])
    owner.close()
    answer = retainer("serve", "--port", str(free_port()), database_url=own_database)
    assert (answer.returncode, answer.stderr) == (
        1, "retainer: The database's schema is older than this program. Run: retainer migrate\n",
    )  # fmt: skip


@pytest.mark.slow
def test_a_newer_schema_is_always_refused(own_database: str) -> None:
    assert retainer("migrate", database_url=own_database).returncode == 0
    assert "up to date" in retainer("migrate", database_url=own_database).stdout
    owner = Sql(own_database)
    owner.rows("INSERT INTO migrations (number, name) VALUES (9999, '9999_the_future.sql')")
    owner.close()
    for command in (["serve", "--port", str(free_port())], ["migrate"]):
        answer = retainer(*command, database_url=own_database)
        assert answer.returncode == 1
        assert "newer than this program's" in answer.stderr
        assert answer.stderr.count("\n") == 1


@pytest.mark.slow
def test_an_owner_who_may_not_use_the_applications_role_is_told_the_grant(
    server: Server,
) -> None:
    cluster = Sql(server.database_url.replace("retainer@/retainer", "postgres@/postgres"))
    name = f"other_{secrets.token_hex(4)}"
    cluster.rows(f"CREATE ROLE {name} LOGIN CREATEROLE")
    cluster.rows(f"CREATE DATABASE {name} OWNER {name} ENCODING 'UTF8' TEMPLATE template0")
    url = server.database_url.replace("retainer@/retainer", f"{name}@/{name}")
    try:
        refused = retainer("migrate", database_url=url)
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
        remedy = re.search(r"GRANT retainer_app TO \w+$", refused.stderr)
        assert remedy, refused.stderr
        cluster.rows(remedy[0])
        assert retainer("migrate", database_url=url).returncode == 0
    finally:
        cluster.rows(f"DROP DATABASE {name} WITH (FORCE)")
        cluster.rows(f"DROP ROLE {name}")
        cluster.close()


@pytest.mark.slow
def test_two_migrating_processes_wait_for_each_other(own_database: str) -> None:
    command = [sys.executable, "-m", "retainer", "migrate"]
    settings = environment(RETAINER_DATABASE_URL=own_database, PATH="")
    both = [
        subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = sorted(process.communicate(timeout=60)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert said[1].startswith("The schema is up to date") or said[0].startswith(
        "The schema is up to date"
    )


@pytest.mark.slow
def test_the_demo_has_data_and_the_logins_it_prints() -> None:
    folder, port = data_folder(), free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "retainer", "demo", "--data", str(folder), "--port", str(port)],
        stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    try:
        said = "".join(iter(process.stderr.readline, "The API page: /api/docs\n"))
        assert f"http://127.0.0.1:{port}" in said
        for email, _, role, _ in demo.LOGINS:
            assert email in said
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False
            ) as client:
                user = client.post(
                    "/api/login", json={"username": email, "password": demo.PASSWORD}
                ).json()
                assert user["role"] == role
                seen = len(client.get("/organizations").json())
                assert seen == {"admin": 40, "consultant": 40, "staff": seen, "guest": seen}[role]
                assert seen > 0
        assert embedded.running(folder)
    finally:
        process.terminate()
        assert process.wait(15) == 0

        shutil.rmtree(folder, ignore_errors=True)


def test_a_failed_tenant_add_announces_no_tenant(
    server: Server,
    cast: Cast,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RETAINER_DATABASE_URL", server.database_url)
    code: list[int] = []
    arguments = [
        "tenant",
        "add",
        "Never",
        "--admin-email",
        cast.ada.username,
        "--data",
        str(tmp_path),
    ]
    thread = threading.Thread(target=lambda: code.append(main(arguments)))
    thread.start()
    thread.join(30)
    said = capsys.readouterr()
    assert code == [1]
    assert said.out == ""
    assert "already taken" in said.err
