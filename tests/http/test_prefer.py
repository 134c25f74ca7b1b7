"""The Prefer header: short answers, and preferences told apart."""

import pytest

from retainer.http.routing import Route
from support.cast import Cast
from support.safe_writes import WRITES, all_of, key
from support.samples import sample, send


@pytest.mark.parametrize("route", WRITES, ids=lambda r: r.name)
def test_a_minimal_answer_has_the_etag_and_no_body(cast: Cast, route: Route) -> None:
    ids, body = sample(cast, route)
    answer = send(
        cast.ada,
        route,
        ids,
        body,
        headers={"Prefer": 'respond-async, foo="a, return=x", Return = "Minimal";x=1'},
    )
    if route.lines:
        assert (answer.status_code, answer.headers["preference-applied"]) == (200, "return=minimal")
        assert (answer.json()["status"], answer.json()["body"]) == (204, None) and answer.json()[
            "etag"
        ]
        return
    if not route.record:
        assert (answer.status_code, answer.headers.get("preference-applied")) == (
            route.status,
            None,
        )
        return
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["preference-applied"] == "return=minimal"
    assert "content-type" not in answer.headers
    assert answer.headers["etag"]


def test_values_of_the_prefer_header_are_told_apart(cast: Cast) -> None:
    path = f"/api/organizations/{cast.acme}"
    rows: list[tuple[str, int, str | None]] = [
        ("return=representation", 200, "return=representation"),
        ("return=minimal, return=representation", 204, "return=minimal"),
        ("dry-run, return=minimal", 204, "dry-run, return=minimal"),
        ("return=something", 200, None), ("", 200, None), (",;=,", 200, None), ('"', 200, None), ("return", 200, None),
    ]  # fmt: skip
    for header, status, applied in rows:
        answer = cast.ada.put(path, {}, headers={"Prefer": header})
        assert (answer.status_code, answer.headers.get("preference-applied")) == (
            status,
            applied,
        ), header
    lines = [
        ("Prefer", "x"),
        ("Prefer", "return=minimal"),
        ("Cookie", f"connect.sid={cast.ada.token}"),
    ]
    assert cast.client.put(path, json={}, headers=lines).status_code == 204
    assert cast.ada.get(path, headers={"Prefer": "return=minimal, dry-run"}).status_code == 200


def test_a_minimal_answer_to_a_create_has_a_location(cast: Cast) -> None:
    path = "/api/organizations/by/externalId/short-1"
    answer = cast.ada.put(
        path, {"name": "S", "type": "other"}, headers={"Prefer": "return=minimal"}
    )
    assert (answer.status_code, answer.content) == (201, b"")
    assert cast.ada.get(answer.headers["location"]).json()["externalId"] == "short-1"


def test_a_minimal_answer_is_replayed_as_it_was(cast: Cast) -> None:
    headers = key() | {"Prefer": "return=minimal"}
    first = cast.ada.post("/api/organizations", {"name": "S", "type": "other"}, headers=headers)
    again = cast.ada.post("/api/organizations", {"name": "S", "type": "other"}, headers=headers)
    assert first.status_code == 204 and all_of(first) == all_of(again)
