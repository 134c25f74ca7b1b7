"""Dry runs: the answer of a change that is not made."""

from typing import Any

import httpx
import pytest

from retainer.http.routing import Route
from retainer.routes import ROUTES
from support.cast import Cast
from support.safe_writes import DRY, WRITES, key, operations, stored_files, stored_keys
from support.samples import rows_of, sample, send
from support.server import Server


@pytest.mark.parametrize("route", [r for r in WRITES if r.dry], ids=lambda r: r.name)
def test_a_dry_run_answers_as_if_and_changes_nothing(
    cast: Cast, server: Server, route: Route
) -> None:
    ids, body = sample(cast, route)
    before, done, files = rows_of(cast), operations(cast), stored_files(server)
    sessions = cast.sql.value("SELECT count(*) FROM sessions")
    dry = send(cast.ada, route, ids, body, headers=DRY | key())
    assert dry.status_code == route.status, dry.text
    assert dry.headers["preference-applied"] == "dry-run"
    assert (rows_of(cast), operations(cast), stored_files(server)) == (before, done, files)
    assert (stored_keys(cast), cast.sql.value("SELECT count(*) FROM sessions")) == (0, sessions)
    real = send(cast.ada, route, ids, body)
    assert real.status_code == dry.status_code
    assert without_accident(real) == without_accident(dry)


ACCIDENTS = {"id", "createdAt", "updatedAt", "url", "expiresAt", "at", "requestId"}


def without_accident(answer: httpx.Response) -> Any:
    """The answer without ids and times, which differ in each."""
    body = answer.json() if answer.content else {}
    if "line" in body:
        body = body["body"]
    return {k: v for k, v in body.items() if k not in ACCIDENTS}


def test_a_dry_run_is_refused_as_the_change_would_be(cast: Cast) -> None:
    cast.contact("Kim")
    taken = cast.ada.get("/api/contacts").json()[0]["email"]
    clash = cast.ada.post(
        "/api/contacts", {"fullName": "K", "email": taken, "type": "client"}, headers=DRY
    )
    assert (clash.status_code, clash.headers["preference-applied"]) == (409, "dry-run")
    stale = cast.ada.put(
        f"/api/organizations/{cast.acme}", {}, headers=DRY | {"If-Match": '"1-999"'}
    )
    assert (stale.status_code, stale.headers["preference-applied"]) == (412, "dry-run")
    assert cast.gita.delete(f"/api/organizations/{cast.acme}", headers=DRY).status_code == 403
    assert (
        cast.ada.put(f"/api/organizations/{cast.acme}", {"name": ""}, headers=DRY).status_code
        == 422
    )
    assert cast.sam.delete(f"/api/organizations/{cast.acme}", headers=DRY).status_code == 404


def test_a_write_that_cannot_be_rolled_back_refuses_a_dry_run(cast: Cast) -> None:
    for route in ROUTES:
        if route.changes and not route.dry:
            answer = send(cast.ada, route, [], {}, headers=DRY)
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Prefer"), (
                route.name
            )
    assert cast.ada.get("/api/user").status_code == 200, "logout did nothing"
