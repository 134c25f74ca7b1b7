"""Ceilings on what one request can ask of the server: how many problems it is told, how much may be
sent without a session, how deep what is sent may nest.
"""

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from retainer.errors import FieldError, Invalid, told
from support.cast import Cast
from support.server import Server

MOST_BYTES = 64 << 10
NDJSON = {"Content-Type": "application/x-ndjson"}


def short(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 422, answer.text[:300]
    assert len(answer.content) <= MOST_BYTES
    problem: dict[str, Any] = answer.json()
    return problem


def names(count: int) -> dict[str, int]:
    return {f"name{number}": 1 for number in range(count)}


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/organizations"), ("PUT", "/api/user"), ("POST", "/api/tasks")],
)
def test_the_first_hundred_unknown_names_are_told_and_the_others_counted(
    cast: Cast, method: str, path: str
) -> None:
    problem = short(cast.cora.request(method, path, json=names(30_000)))
    assert [error["field"] for error in problem["errors"][:100]] == list(names(100))
    assert len(problem["errors"]) == 101
    more = problem["errors"][100]["message"]
    assert more.startswith("and 29")
    assert problem["detail"].endswith(f"; {more}.")


def test_long_names_are_cut_short(cast: Cast) -> None:
    body = {f"{number} " + "é\u0001" * 500: 1 for number in range(100)}
    problem = short(cast.cora.request("POST", "/api/organizations", content=json.dumps(body),
                                      headers={"Content-Type": "application/json"}))  # fmt: skip
    assert all(len(error["field"]) <= 100 for error in problem["errors"])


def test_a_hundred_problems_are_all_told() -> None:
    errors = [FieldError(f"tags[{place}]", "must be text") for place in range(100)]
    assert told(errors) == errors
    assert "more" not in Invalid(*errors).detail


@pytest.mark.parametrize("name", ["fields", "expand"])
@pytest.mark.parametrize("noun", ["organizations", "tasks", "contacts"])
def test_more_names_than_the_list_has_are_one_problem(cast: Cast, name: str, noun: str) -> None:
    problem = short(cast.gita.get(f"/api/{noun}?{name}={','.join(['na'] * 5_000)}"))
    assert len(problem["errors"]) == 1
    assert "has 5000 names; the list has" in problem["errors"][0]["message"]


def test_a_sort_by_thousands_of_names_tells_of_the_first_ones(cast: Cast) -> None:
    problem = short(cast.gita.get(f"/api/organizations?sort={','.join(['nam'] * 5_000)}"))
    assert len(problem["errors"]) <= 5


def test_near_words_are_looked_for_in_the_first_ten_only(cast: Cast) -> None:
    query = "&".join(f"nam{number}e=x" for number in range(60))
    errors = short(cast.gita.get(f"/api/organizations?{query}"))["errors"]
    nearest = ["the nearest is" in error["message"] for error in errors]
    assert nearest == [True] * 10 + [False] * 50


@pytest.mark.parametrize(
    "line",
    [
        "x",
        '{"method": "DELETE", "path": "/nothing/1"}',
        '{"method": "POST", "path": "/organizations", "body": {"a": 1, "b": 2}}',
        '{"method": "PUT", "path": "/organizations/9007199254740000", "body": {}}',
    ],
)
def test_a_bulk_tells_its_first_hundred_refused_lines(cast: Cast, line: str) -> None:
    problem = short(
        cast.cora.request("POST", "/api/bulk", content=f"{line}\n" * 400, headers=NDJSON)
    )
    lines = problem["lines"]
    assert [each["line"] for each in lines] == list(range(1, len(lines) + 1))
    assert lines[-1]["detail"] == f"and {400 - len(lines) + 1} more"
    assert problem["errors"][-1]["message"] == lines[-1]["detail"]
    assert "and 399 more" in problem["detail"]


def test_a_line_of_a_bulk_tells_a_few_of_its_problems(cast: Cast) -> None:
    line = json.dumps({"method": "POST", "path": "/organizations", "body": names(5_000)})
    problem = short(cast.cora.request("POST", "/api/bulk", content=f"{line}\n" * 9, headers=NDJSON))
    told_lines = problem["lines"][:-1]
    assert told_lines
    assert all(len(line["errors"]) == 11 for line in told_lines)


def test_a_bulk_of_blank_lines_is_refused_before_they_are_looked_at(cast: Cast) -> None:
    answer = cast.cora.request("POST", "/api/bulk", content="\n" * 30_000 + "x", headers=NDJSON)
    assert answer.status_code == 413


PUBLIC = [("/api/login", "application/json"), ("/api/setup", "application/json"),
          ("/login", "application/x-www-form-urlencoded"), ("/setup", "application/x-www-form-urlencoded")]  # fmt: skip


@pytest.mark.parametrize(("path", "media_type"), PUBLIC)
def test_a_large_body_for_a_public_route_is_refused_unread(
    server: Server, path: str, media_type: str
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {media_type}\r\nAccept: text/html\r\nContent-Length: 20000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(head.encode())
        assert b" 413 " in raw.recv(4096)


@pytest.mark.parametrize(("path", "media_type"), PUBLIC)
def test_a_body_of_no_announced_length_is_refused_once_too_much_has_come(
    cast: Cast, path: str, media_type: str
) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 1000

    answer = cast.nobody.request(
        "POST", path, content=pieces(), headers={"Content-Type": media_type, "Accept": "text/html"}
    )
    assert answer.status_code == 413


def nested(levels: int) -> str:
    return '{"a": ' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


def test_metadata_is_taken_to_its_deepest_level_and_no_deeper(cast: Cast) -> None:
    def create(levels: int) -> httpx.Response:
        body = f'{{"name": "Deep", "type": "other", "metadata": {nested(levels)}}}'
        headers = {"Content-Type": "application/json"}
        return cast.cora.request("POST", "/api/organizations", content=body, headers=headers)

    assert create(33).status_code == 200
    for levels in (34, 60, 900):
        assert short(create(levels))["errors"] == [
            {"field": "metadata", "message": "must not be nested deeper than 32 levels"}
        ]
    assert create(100_000).status_code == 400


def test_deep_metadata_is_refused_in_bulk_and_in_a_form(cast: Cast) -> None:
    line = f'{{"method": "POST", "path": "/organizations", "body": {{"name": "a", "type": "other", "metadata": {nested(900)}}}}}\n'
    problem = short(cast.cora.request("POST", "/api/bulk", content=line * 100, headers=NDJSON))
    assert "must not be nested deeper" in problem["lines"][0]["detail"]
    for levels in (900, 90_000):
        form = {"name": "a", "type": "other", "metadata": nested(levels)}
        answer = cast.cora.request(
            "POST", "/organizations", data=form, headers={"Accept": "text/html"}
        )
        assert answer.status_code == 422
