"""The consultancy's own settings: who reads and changes them, their history, and undoing a change."""

from typing import Any

import pytest

from retainer.identity.tenants.model import countries
from support.cast import Cast

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}


def test_our_people_read_the_settings_and_administrators_change_them(cast: Cast) -> None:
    body = {"name": "North & Partners", "timeZone": "Europe/Vienna", "country": "AT"}
    changed = cast.ada.put("/api/tenant", body)
    assert changed.status_code == 200, changed.text
    assert changed.json() == {"id": cast.tenant} | body
    for who in (cast.cora, cast.stan):
        assert who.get("/api/tenant").json() == changed.json()
        assert who.put("/api/tenant", {"name": "Ours"}).status_code == 403
    assert cast.gita.get("/api/tenant").status_code == 403
    assert cast.nobody.get("/api/tenant").status_code == 401
    assert cast.olga.get("/api/tenant").json()["id"] == cast.other_tenant
    assert cast.ada.put("/api/tenant", {"country": None}).json()["country"] is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"country": "XX"}, "must be the two capital letters of a country (ISO 3166) such as CH, "
                            'not "XX"'),
        ({"country": "ch"}, "must be the two capital letters of a country (ISO 3166) such as CH, "
                            'not "ch"'),
        ({"timeZone": "Mars"}, 'must be the name of a time zone such as Europe/Zurich, not "Mars"'),
        ({"timeZone": None}, "must be text of 1 to 64 characters, not null"),
        ({"name": " "}, 'must be text of 1 to 255 characters, not only spaces, not ""'),
    ],
)  # fmt: skip
def test_wrong_settings_are_refused_by_their_field(
    cast: Cast, body: dict[str, Any], words: str
) -> None:
    answer = cast.ada.put("/api/tenant", body)
    assert answer.status_code == 422, answer.text
    assert [each["field"] for each in answer.json()["errors"]] == list(body)
    assert answer.json()["errors"][0]["message"] == words


def test_a_change_of_settings_is_in_history_and_can_be_undone(cast: Cast) -> None:
    before = cast.ada.get("/api/tenant")
    stale = {"If-Match": before.headers["etag"]}
    changed = cast.ada.put("/api/tenant", {"timeZone": "Asia/Tokyo", "country": "JP"})
    assert changed.headers["etag"] != before.headers["etag"]
    assert cast.ada.put("/api/tenant", {"country": "DE"}, headers=stale).status_code == 412
    (entry,) = cast.cora.get("/api/tenant/history").json()
    assert (entry["entity"], entry["entityId"], entry["action"]) == (
        "tenants", cast.tenant, "update",
    )  # fmt: skip
    assert {one["field"]: one["after"] for one in entry["changes"]} == {
        "timeZone": "Asia/Tokyo", "country": "JP",
    }  # fmt: skip
    operation = f"/api/operations/{entry['operation']['id']}"
    assert cast.cora.post(f"{operation}/undo").status_code == 403
    assert cast.ada.post(f"{operation}/undo").status_code == 200
    assert cast.ada.get("/api/tenant").json() == before.json()
    assert len(cast.ada.get("/api/tenant/history").json()) == 2
    assert cast.ada.get("/api/user").json()["timeZone"] == before.json()["timeZone"]


def test_everybody_without_a_time_zone_of_their_own_has_the_new_one_of_their_tenant(
    cast: Cast,
) -> None:
    cast.stan.put("/api/user", {"timeZone": "Europe/Oslo"})
    cast.ada.put("/api/tenant", {"timeZone": "Asia/Tokyo"})
    zones = [who.get("/api/user").json()["timeZone"] for who in (cast.ada, cast.stan, cast.olga)]
    assert zones[:2] == ["Asia/Tokyo", "Europe/Oslo"]
    assert zones[2] != "Asia/Tokyo"


def test_the_page_of_the_settings_changes_them_for_administrators(cast: Cast) -> None:
    path = f"/tenants/{cast.tenant}"
    html = {"Accept": "text/html"}
    shown = cast.ada.get(path, headers=html)
    assert 'aria-current="page"' in shown.text and "Consultancy" in shown.text
    assert '<option value="CH"' in shown.text
    version = cast.ada.get("/api/tenant").headers["etag"][1:-1]
    sent = cast.ada.post(path, content=f"country=CH&version={version}", headers=FORM)
    assert sent.status_code == 303, sent.text
    assert cast.ada.get("/api/tenant").json()["country"] == "CH"
    # Somebody else chose another one since this form was shown.
    stale = cast.ada.post(path, content=f"country=FR&version={version}", headers=FORM)
    assert stale.status_code == 409
    wrong = cast.ada.post(path, content="name=+", headers=FORM)
    assert wrong.status_code == 422
    read_only = cast.cora.get(path, headers=html).text
    assert "CH" in read_only and "<select" not in read_only.partition("Properties")[2]
    assert cast.cora.post(path, content="country=FR", headers=FORM).status_code == 403
    assert cast.gita.get(path, headers=html).status_code in (403, 404)
    for answer in (
        cast.ada.get(f"/tenants/{cast.other_tenant}", headers=html),
        cast.ada.post(f"/tenants/{cast.other_tenant}", content="country=FR", headers=FORM),
    ):
        assert answer.status_code == 404
    assert cast.ada.get("/api/tenant").json()["country"] == "CH"


def test_every_country_has_its_two_letters_and_a_name() -> None:
    assert len(countries()) > 240
    assert countries()["CH"] == "Switzerland"
    assert all(len(code) == 2 and code.isupper() and name for code, name in countries().items())
