"""Finding out who has an account elsewhere: each refusal of a taken username counts, and is in the audit."""

import json
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from support.cast import Cast, Person
from support.races import admitted, together
from support.samples import bulk
from support.searching import eventually


def body(username: str) -> dict[str, Any]:
    return {"username": username, "fullName": "X", "role": "staff"}


def free() -> str:
    return f"{secrets.token_hex(8)}@example.com"


def tried(person: Person, username: str, **headers: str) -> int:
    send = partial(person.post, "/api/users", body(username), headers=headers)
    return int(admitted(send).status_code)


def refused(cast: Cast) -> int:
    found = cast.olga.get("/api/operations?outcome=refused&action:in=createUser,bulk").json()
    return len(found)


@pytest.mark.parametrize("way", ["alone", "dry"])
def test_after_ten_taken_names_no_other_can_be_tried(cast: Cast, way: str) -> None:
    headers = {"Prefer": "dry-run"} if way == "dry" else {}
    taken = [cast.ada.username, cast.cora.username.upper(), cast.stan.username] * 3
    for username in [*taken, cast.olga.username]:
        assert tried(cast.olga, free(), **headers) == 200
        assert tried(cast.olga, username, **headers) == 409
    for username in (free(), cast.ada.username):
        response = cast.olga.post("/api/users", body(username), headers=headers)
        assert response.status_code == 429, response.text
        assert 0 < int(response.headers["retry-after"]) <= 900
    assert tried(cast.ada, free()) == 200, "another administrator is not concerned"
    audit = cast.olga.get("/api/operations?outcome=refused&action=createUser").json()
    assert audit and all(each["actor"]["id"] == cast.olga.id for each in audit)


def test_lines_of_a_bulk_write_count_each(cast: Cast) -> None:
    lines = [{"method": "POST", "path": "/users", "body": body(name)}
             for name in [cast.ada.username] * 12 + [free()]]  # fmt: skip
    response = bulk(
        cast.olga, *(json.dumps(line).encode() + b"\n" for line in lines), Prefer="handling=lenient"
    )
    assert response.status_code == 200, response.text
    found = [json.loads(line)["status"] for line in response.text.splitlines()]
    assert found == [409] * 10 + [429] * 3
    assert tried(cast.olga, free()) == 429


def test_free_names_and_other_mistakes_do_not_count(cast: Cast) -> None:
    for _ in range(12):
        assert tried(cast.olga, free(), Prefer="dry-run") == 200
        assert tried(cast.olga, "no address") == 422
    assert tried(cast.olga, free()) == 200


@pytest.mark.parametrize("way", ["alone", "dry", "bulk"])
def test_of_many_taken_names_tried_at_once_ten_are_told(cast: Cast, way: str) -> None:
    def of_bulk(username: str) -> int:
        line = json.dumps({"method": "POST", "path": "/users", "body": body(username)})
        send = partial(bulk, cast.olga, line.encode() + b"\n", Prefer="handling=lenient")
        answer = admitted(send)
        return int(json.loads(answer.text)["status"])

    def of_one(username: str) -> int:
        if way == "bulk":
            return of_bulk(username)
        return tried(cast.olga, username, **({"Prefer": "dry-run"} if way == "dry" else {}))

    def jobs(usernames: list[str]) -> list[Callable[[], int]]:
        return [lambda name=name: of_one(name) for name in usernames]  # type: ignore[misc]

    taken = together(jobs([cast.ada.username] * 16))
    assert (taken.count(409), taken.count(429)) == (10, 6)
    assert together(jobs([free() for _ in range(4)])) == [429] * 4


def test_a_free_name_that_is_being_added_when_the_limit_is_reached_is_not_told(cast: Cast) -> None:
    contact = cast.olga.made("/api/contacts", fullName="Kim", email=free(), type="internal")["id"]
    name = free()
    connection = cast.sql.connection
    cast.sql.run(connection.execute("BEGIN"))
    cast.sql.rows("SELECT FROM contacts WHERE id = $1 FOR UPDATE", contact)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(cast.olga.post, "/api/users", body(name) | {"contactId": contact})
        try:
            eventually(
                lambda: cast.sql.value("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            )
            assert [tried(cast.olga, cast.ada.username) for _ in range(10)] == [409] * 10
        finally:
            cast.sql.run(connection.execute("COMMIT"))
        assert waiting.result().status_code == 429
    assert cast.sql.value("SELECT count(*) FROM users WHERE username = $1", name) == 0
