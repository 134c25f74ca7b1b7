"""Finding out who has an account elsewhere: each refusal of a taken username counts, and is in the audit."""

import json
import secrets
from typing import Any

import pytest

from support.cast import Cast, Person
from support.samples import bulk


def body(username: str) -> dict[str, Any]:
    return {"username": username, "fullName": "X", "role": "staff"}


def free() -> str:
    return f"{secrets.token_hex(8)}@example.com"


def tried(person: Person, username: str, **headers: str) -> int:
    return person.post("/api/users", body(username), headers=headers).status_code


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
