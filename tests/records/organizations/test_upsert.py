"""Upserts: organizations added or changed by another system's key."""

from typing import Any
from urllib.parse import quote

import pytest

from support.cast import Cast
from support.organizations import refused
from support.races import together

NEW = {"name": "New", "type": "other"}


def by(cast: Cast, key: str, value: str, **body: Any) -> Any:
    return cast.cora.put(f"/api/organizations/by/{key}/{quote(value, safe='')}", body)


def counted(cast: Cast) -> int:
    return len(cast.ada.get("/api/organizations").json())


@pytest.mark.parametrize(
    "value", ["CRM-1", "a/b/c", "a b", "50%", "ü?#&=;", "x" * 255, "../x", "1.2.3", "%2F", "+"]
)
def test_an_external_id_is_any_text(cast: Cast, value: str) -> None:
    made = by(cast, "externalId", value, **NEW, tags=["t"])
    assert made.status_code == 201
    assert made.headers["location"] == f"/api/organizations/{made.json()['id']}"
    assert (made.json()["externalId"], made.json()["status"], made.json()["tags"]) == (
        value,
        "active",
        ["t"],
    )
    changed = by(cast, "externalId", value, industry="Energy")
    assert changed.status_code == 200
    assert "location" not in changed.headers
    assert changed.json() | {"industry": None, "updatedAt": made.json()["updatedAt"]} == made.json()
    assert (
        cast.ada.get(f"/api/organizations/{made.json()['id']}").headers["etag"]
        == changed.headers["etag"]
    )


def test_a_domain_in_any_form_names_the_organization(cast: Cast) -> None:
    made = by(cast, "domain", "Bücher.example", **NEW)
    assert (made.status_code, made.json()["domains"]) == (201, ["xn--bcher-kva.example"])
    for value in ("bücher.example", "xn--bcher-kva.example", "XN--BCHER-KVA.example"):
        again = by(cast, "domain", value)
        assert (again.status_code, again.content) == (200, made.content), (
            "nothing sent, nothing changed"
        )
    more = by(cast, "domain", "bücher.example", domains=["buch.example", "BÜCHER.example"])
    assert more.json()["domains"] == ["buch.example", "xn--bcher-kva.example"]
    assert by(cast, "domain", "buch.example", name="Renamed").json()["id"] == made.json()["id"]
    two = by(cast, "domain", "new.example", **NEW, domains=["other.example", "new.example"])
    assert (two.status_code, two.json()["domains"]) == (201, ["other.example", "new.example"])


def test_an_upsert_that_would_create_names_its_missing_fields(cast: Cast) -> None:
    before = counted(cast)
    for key, value in (("externalId", "X"), ("domain", "x.example")):
        answer = by(cast, key, value, industry="Energy")
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == ["name", "type"]
    assert counted(cast) == before


def test_a_body_that_contradicts_the_path_is_refused(cast: Cast) -> None:
    by(cast, "externalId", "X", **NEW)
    for given in ("Y", "x", None):
        assert refused(by(cast, "externalId", "X", externalId=given), 422)[0] == "externalId"
    assert by(cast, "externalId", "X", externalId="X").status_code == 200
    by(cast, "domain", "x.example", **NEW)
    for domains in ([], ["y.example"]):
        assert refused(by(cast, "domain", "x.example", domains=domains), 422)[0] == "domains"
    assert (
        refused(by(cast, "domain", "z.example", **NEW, domains=["y.example"]), 422)[0] == "domains"
    )


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [("externalId", " ", "externalId"), ("externalId", "x" * 256, "externalId"), ("externalId", "a\0", "externalId"),
     ("domain", "localhost", "domain"), ("domain", "a/b.example", "domain"), ("domain", "10.0.0.1", "domain"),
     ("domain", "a\0.example", "domain")],
)  # fmt: skip
def test_a_malformed_upsert_key_is_refused(cast: Cast, key: str, value: str, field: str) -> None:
    assert refused(by(cast, key, value, **NEW), 422)[0] == field


def test_a_path_without_an_upsert_key_is_404(cast: Cast) -> None:
    for path in ("by", "by/externalId", "by/externalId/", "by/name/x", "by/externalId/a/b"):
        assert cast.ada.put(f"/api/organizations/{path}", NEW).status_code == 404, path
    assert cast.ada.get("/api/organizations/by/externalId/x").status_code == 405
    assert cast.ada.put("/organizations/by/externalId/x", NEW).status_code == 404, "under /api only"
    slashes = cast.ada.get(f"/api/organizations/{cast.acme}%2Ftasks")
    assert slashes.status_code == 422, "an encoded slash is part of an id"


def test_deleted_and_other_tenants_organizations_are_not_found_by_key(cast: Cast) -> None:
    first = by(cast, "externalId", "X", **NEW).json()["id"]
    theirs = cast.olga.put("/api/organizations/by/externalId/X", NEW)
    assert theirs.status_code == 201
    cast.ada.delete(f"/api/organizations/{first}")
    second = by(cast, "externalId", "X", **NEW)
    assert second.status_code == 201
    assert second.json()["id"] not in (first, theirs.json()["id"])


def test_an_upsert_refers_only_to_existing_records(cast: Cast) -> None:
    for status in (201, 200):
        wrong = by(cast, "externalId", "X", **NEW, parentId=2**52, ownerId=2**52)
        assert {error["field"] for error in wrong.json()["errors"]} == {"parentId", "ownerId"}
        assert by(cast, "externalId", "X", **NEW, parentId=cast.acme).status_code == status


def test_an_upsert_that_clashes_with_another_organization_is_refused(cast: Cast) -> None:
    cast.ada.put(
        f"/api/organizations/{cast.acme}", {"domains": ["acme.example"], "externalId": "ACME"}
    )
    for body in ({}, NEW):
        assert (
            refused(by(cast, "externalId", "X", **NEW, domains=["acme.example"]), 409)[0]
            == "domains"
        )
        by(cast, "externalId", "X", **body, **({} if body else NEW))
    assert refused(by(cast, "domain", "acme.example", externalId="X"), 409)[0] == "externalId"


@pytest.mark.parametrize(("key", "value"), [("externalId", "ONE"), ("domain", "one.example")])
def test_fifty_simultaneous_upserts_create_one_organization(
    cast: Cast, key: str, value: str
) -> None:
    before = counted(cast)
    answers = together(
        [lambda n=n: by(cast, key, value, **NEW, industry=f"I{n}") for n in range(50)]
    )
    assert sorted(a.status_code for a in answers) == [200] * 49 + [201], {
        a.text for a in answers if a.status_code > 299
    }
    assert len({a.json()["id"] for a in answers}) == 1
    assert counted(cast) == before + 1


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [("externalId", "ONE", "externalId"), ("domain", "one.example", "domains")],
)
def test_simultaneous_upserts_and_creates_make_one_organization(
    cast: Cast, key: str, value: str, field: str
) -> None:
    body = {"name": "Usual", "type": "other", field: [value] if field == "domains" else value}
    jobs = [
        lambda: by(cast, key, value, **NEW),
        lambda: cast.ada.post("/api/organizations", body),
    ] * 10
    answers = together(jobs)
    assert {a.status_code for a in answers[::2]} <= {200, 201}, {a.text for a in answers[::2]}
    assert {a.status_code for a in answers[1::2]} <= {200, 409}
    assert (
        sum(a.status_code == 201 for a in answers[::2])
        + sum(a.status_code == 200 for a in answers[1::2])
        == 1
    )


def test_an_upsert_is_one_operation_with_its_own_name(cast: Cast) -> None:
    by(cast, "externalId", "X", **NEW)
    by(cast, "externalId", "X", name="Renamed")
    rows = cast.sql.rows(
        """SELECT o.action, c.action AS done FROM operations o
           JOIN changes c ON c.tenant_id = o.tenant_id AND c.operation_id = o.id
           WHERE o.tenant_id = $1 ORDER BY o.id DESC LIMIT 2""",
        cast.tenant,
    )
    assert [tuple(row) for row in rows] == [
        ("putOrganizationByExternalId", "update"),
        ("putOrganizationByExternalId", "insert"),
    ]
