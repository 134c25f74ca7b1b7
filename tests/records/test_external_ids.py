"""External ids of contacts, projects, tasks and activities, and adding or changing records by them."""

from typing import Any
from urllib.parse import quote

import pytest

from support.cast import Cast
from support.organizations import refused
from support.races import together

NOUNS = ["contacts", "projects", "tasks", "activities"]
nouns = pytest.mark.parametrize("noun", NOUNS)


def new(cast: Cast, noun: str) -> dict[str, Any]:
    """The fields that a new record cannot do without."""
    return {
        "contacts": {"fullName": "Mira Keller", "type": "client"},
        "projects": {"organizationId": cast.acme, "title": "Warehouse"},
        "tasks": {"title": "Count"},
        "activities": {"organizationId": cast.acme, "text": "Called"},
    }[noun]


CHANGES = {
    "contacts": {"title": "Head"},
    "projects": {"status": "active"},
    "tasks": {"status": "review"},
    "activities": {"kind": "call"},
}


def by(cast: Cast, noun: str, value: str, /, **body: Any) -> Any:
    path = f"/api/{noun}/by/externalId/{quote(value, safe='')}"
    return cast.cora.put(path, body)


@nouns
def test_a_record_is_added_and_then_changed_by_its_external_id(cast: Cast, noun: str) -> None:
    before = len(cast.ada.get(f"/api/{noun}").json())
    lacking = by(cast, noun, "hubspot:1/2", **CHANGES[noun])
    assert lacking.status_code == 422
    assert {one["field"] for one in lacking.json()["errors"]} == set(new(cast, noun))
    made = by(cast, noun, "hubspot:1/2", **new(cast, noun))
    assert made.status_code == 201, made.text
    path = f"/api/{noun}/{made.json()['id']}"
    assert made.headers["location"] == path
    assert made.json()["externalId"] == "hubspot:1/2"
    changed = by(cast, noun, "hubspot:1/2", **CHANGES[noun])
    assert (changed.status_code, "location" in changed.headers) == (200, False), changed.text
    assert changed.json() == made.json() | CHANGES[noun] | {
        "updatedAt": changed.json()["updatedAt"]
    }
    assert cast.ada.get(path).headers["etag"] == changed.headers["etag"]
    assert by(cast, noun, "hubspot:1/2", **new(cast, noun)).status_code == 200
    stale = cast.cora.put(
        f"/api/{noun}/by/externalId/hubspot%3A1%2F2", {}, headers={"If-Match": '"1-9"'}
    )
    assert stale.status_code == 412
    assert len(cast.ada.get(f"/api/{noun}").json()) == before + 1
    found = cast.ada.get(f"/api/{noun}?externalId=hubspot:1/2").json()
    assert [row["id"] for row in found] == [made.json()["id"]]


@nouns
def test_no_two_live_records_of_a_noun_share_an_external_id(cast: Cast, noun: str) -> None:
    first = by(cast, noun, "X", **new(cast, noun)).json()["id"]
    second = by(cast, noun, "Y", **new(cast, noun)).json()["id"]
    assert refused(cast.ada.put(f"/api/{noun}/{second}", {"externalId": "X"}), 409)[0] == (
        "externalId"
    )
    for value in (" ", "x" * 256):
        assert refused(by(cast, noun, value, **new(cast, noun)), 422)[0] == "externalId"
    assert refused(by(cast, noun, "X", externalId="Z"), 422)[0] == "externalId"
    assert cast.ada.put(f"/api/{noun}/{second}", {"externalId": "  "}).json()["externalId"] is None
    assert cast.ada.delete(f"/api/{noun}/{first}").status_code == 204
    third = by(cast, noun, "X", **new(cast, noun))
    assert third.status_code == 201 and third.json()["id"] != first
    history = cast.ada.get(f"/api/{noun}/{second}/history?limit=1").json()[0]
    assert history["changes"] == [{"field": "externalId", "before": "Y", "after": None}]
    undone = cast.ada.post(f"/api/operations/{history['operation']['id']}/undo")
    assert undone.status_code == 200
    assert cast.ada.get(f"/api/{noun}/{second}").json()["externalId"] == "Y"


@nouns
def test_simultaneous_writes_by_an_external_id_make_one_record(cast: Cast, noun: str) -> None:
    answers = together([lambda: by(cast, noun, "ONE", **new(cast, noun)) for _ in range(12)])
    assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1


@nouns
def test_an_external_id_can_be_set_on_the_page_of_a_record(cast: Cast, noun: str) -> None:
    id = by(cast, noun, "X", **new(cast, noun)).json()["id"]
    page = cast.ada.get(f"/{noun}/{id}", headers={"Accept": "text/html"}).text
    assert 'name="externalId" type="text"' in page.replace("\n", " ").replace("  ", "")


def test_a_project_keeps_its_organization_when_it_is_changed_by_its_external_id(
    cast: Cast,
) -> None:
    by(cast, "projects", "X", **new(cast, "projects"))
    moved = by(cast, "projects", "X", organizationId=cast.globex)
    assert refused(moved, 422)[0] == "organizationId"


def test_an_activity_of_an_organization_that_is_not_there_is_refused(cast: Cast) -> None:
    answer = by(cast, "activities", "X", text="Called", organizationId=2**50)
    assert refused(answer, 422)[0] == "organizationId"
    answer = by(
        cast, "activities", "X", text="Called", organizationId=cast.acme, contactIds=[2**50]
    )
    assert refused(answer, 422)[0] == "contactIds[0]"
    made = by(
        cast, "activities", "X", text="Called", organizationId=cast.acme,
        contactIds=[cast.gita_contact], happenedAt="2026-01-31T09:30:00Z",
    )  # fmt: skip
    assert made.json()["contactIds"] == [cast.gita_contact]
    assert by(cast, "activities", "X", contactIds=[]).json()["contactIds"] == []


def test_contacts_need_no_email_and_sort_behind_those_who_have_one(cast: Cast) -> None:
    made = [
        cast.ada.made("/api/contacts", fullName=f"No {n}", type="client", email=email)
        for n, email in enumerate((None, "", "zz@example.com"))
    ]
    assert [one["email"] for one in made] == [None, None, "zz@example.com"]
    rows = cast.ada.get("/api/contacts?sort=email").json()
    assert [row["id"] for row in rows[-3:]] == [made[2]["id"], made[0]["id"], made[1]["id"]]
    without = cast.ada.get("/api/contacts?email:null=true").json()
    assert {row["id"] for row in without} == {made[0]["id"], made[1]["id"]}
    backwards = cast.ada.get("/api/contacts?sort=-email").json()
    assert backwards[0]["id"] == made[2]["id"]
    assert {row["id"] for row in backwards[-2:]} == {made[0]["id"], made[1]["id"]}
    path = f"/api/contacts/{made[2]['id']}"
    assert cast.ada.put(path, {"email": None}).json()["email"] is None
    for wrong in ("zz", 5):
        assert refused(cast.ada.put(path, {"email": wrong}), 422)[0] == "email"


def test_pages_show_a_contact_without_an_email(cast: Cast) -> None:
    id = cast.ada.made("/api/contacts", fullName="Nobody", type="client")["id"]
    cast.ada.post(f"/api/organizations/{cast.acme}/members", {"contactId": id, "role": "member"})
    html = {"Accept": "text/html"}
    paths = (f"/contacts/{id}", "/contacts", f"/organizations/{cast.acme}/members",
             f"/organizations/{cast.acme}", "/search?q=Nobody", "/choices?field=contact&q=Nob")  # fmt: skip
    for path in paths:
        page = cast.ada.get(path, headers=html)
        assert page.status_code in (200, 422), path
        assert "mailto:None" not in page.text and ">None<" not in page.text, path
    sent = cast.ada.post(
        "/contacts", content="fullName=Also+nobody&type=client&email=", headers=html
        | {"Content-Type": "application/x-www-form-urlencoded"}
    )  # fmt: skip
    assert sent.status_code == 303, sent.text
    hits = cast.ada.get("/api/search?q=Nobody").json()
    assert any(hit["id"] == id for hit in hits)
