"""Fields that are not told to every viewer of a record: empty wherever a guest looks, and to others as ever."""

import json
from typing import Any

import pytest

from retainer.permissions import SCOPES, UNTOLD, is_told
from support.cast import Cast, Person
from support.searching import learnt

SECRET = "zanzibarian"
WORK = ("projects", "tasks", "activities")
FIELDS = [
    pytest.param(noun, field, id=f"{noun}.{field}")
    for noun, scopes in UNTOLD.items()
    for field in sorted(scopes["client"])
]


@pytest.fixture
def written(cast: Cast) -> Cast:
    """Writes what guests are not told, on what Gita sees: an organization and contacts."""
    for path, body in {
        f"organizations/{cast.acme}": {
            "description": f"{SECRET} text",
            "tags": [SECRET],
            "externalId": SECRET,
            "metadata": {"word": SECRET},
            "ownerId": cast.cora.id,
            "parentId": cast.globex,
        },
        f"contacts/{cast.stan_contact}": {"metadata": {"word": SECRET}, "externalId": SECRET},
        **{f"{noun}/{work(cast, noun)}": {"externalId": SECRET} for noun in WORK},
    }.items():
        response = cast.ada.put(f"/api/{path}", body)
        assert response.status_code == 200, response.text
    cast.ada.post(
        f"/api/organizations/{cast.globex}/members",
        {"contactId": cast.gita_contact, "role": "member"},
    )
    return cast


def ids(person: Person, path: str, **query: str) -> list[int]:
    response = person.get(f"/api/{path}", **({"params": query} if query else {}))
    assert response.status_code == 200, response.text
    return [row["id"] for row in response.json()]


def work(cast: Cast, noun: str) -> int:
    """The one record of the noun that the consultancy has: Gita sees it."""
    of_acme = {"organizationId": cast.acme, "audience": "client"}
    if not cast.ada.get(f"/api/{noun}").json():
        if noun == "activities":
            path = f"/api/organizations/{cast.acme}/activities"
            cast.ada.made(path, text="Called", audience="client")
        else:
            cast.ada.made(f"/api/{noun}", title="Warehouse", **of_acme)
    return int(cast.ada.get(f"/api/{noun}").json()[0]["id"])


def record(cast: Cast, noun: str) -> str:
    known = {"organizations": cast.acme, "contacts": cast.stan_contact}
    return str(known.get(noun) or work(cast, noun))


@pytest.mark.parametrize(("noun", "field"), FIELDS)
def test_a_guest_is_answered_an_empty_field_everywhere(
    written: Cast, noun: str, field: str
) -> None:
    id, empty = record(written, noun), [] if field == "tags" else None
    told = written.ada.get(f"/api/{noun}/{id}").json()[field]
    assert told
    for person, expected in ((written.gita, empty), (written.stan, told), (written.cora, told)):
        assert person.get(f"/api/{noun}/{id}").json()[field] == expected
        rows = person.get(f"/api/{noun}?fields=id,{field}").json()
        assert {"id": int(id), field: expected} in rows
        lines = person.get(f"/api/{noun}", headers={"Accept": "application/x-ndjson"}).text
        assert expected in [json.loads(line)[field] for line in lines.splitlines()]
        csv = person.get(f"/api/{noun}?fields={field}", headers={"Accept": "text/csv"}).text
        shown = json.dumps(told) if isinstance(told, dict) else str(told)
        marks = [SECRET] if SECRET in shown else [shown]
        assert any(mark in csv for mark in marks) is bool(expected), csv


FILTERS: dict[str, list[str]] = {
    "description": [],
    "tags": [f"tags={SECRET}", f"tags:in={SECRET},x", f"filter=tags%3D{SECRET}"],
    "metadata": [f"metadata.word={SECRET}", f"metadata.word:in={SECRET}", "metadata.word:null=false"],
    "externalId": [f"externalId={SECRET}", f"externalId:in={SECRET}", "externalId:null=false"],
    "ownerId": ["ownerId={cora}", "ownerId:in={cora},1", "ownerId:gt=0", "ownerId:null=false",
                "filter=ownerId%3D{cora}+or+ownerId%3D0"],
    "parentId": ["parentId={globex}", "parentId:lte={globex}", "parentId:null=false"],
}  # fmt: skip
NEGATED = {
    "tags": [f"tags:not={SECRET}"],
    "metadata": [f"metadata.word:not={SECRET}", "metadata.word:null=true"],
    "externalId": [f"externalId:not={SECRET}", "externalId:null=true"],
    "ownerId": ["ownerId:not={cora}", "ownerId:null=true"],
    "parentId": ["parentId:not={globex}", "parentId:null=true"],
}


@pytest.mark.parametrize(("noun", "field"), FIELDS)
def test_a_guest_filters_by_it_as_if_it_were_empty(written: Cast, noun: str, field: str) -> None:
    names = {"cora": written.cora.id, "globex": written.globex}
    id = int(record(written, noun))
    everything = ids(written.gita, noun)
    for query in FILTERS[field]:
        for counted in ("", "&count=exact", "&limit=1", "&sort=-id"):
            path = f"{noun}?{query.format(**names)}{counted}"
            assert ids(written.gita, path) == [], path
            assert id in ids(written.stan, path), path
            assert id in ids(written.ada, path), path
    for query in NEGATED.get(field, []):
        path = f"{noun}?{query.format(**names)}"
        assert ids(written.gita, path) == everything, path
        assert id not in ids(written.stan, path), path


def test_what_refers_to_it_is_as_if_it_were_empty(written: Cast) -> None:
    acme, globex = written.acme, written.globex
    assert ids(written.gita, f"organizations?within={globex}") == [globex]
    assert ids(written.ada, f"organizations?within={globex}") == [acme, globex]
    shown = written.gita.get(f"/api/organizations?id={acme}&expand=parent,owner").json()[0]
    assert shown["parent"] is None and shown["owner"] is None
    shown = written.stan.get(f"/api/organizations?id={acme}&expand=owner").json()[0]
    assert shown["owner"]["id"] == written.cora.id
    response = written.gita.get("/api/organizations?sort=tags")
    assert response.status_code == 422


@pytest.mark.parametrize("q", [SECRET, SECRET[:5], f"acme {SECRET}", "zanzibarain"])
def test_a_guest_finds_nothing_by_words_that_they_are_not_told(written: Cast, q: str) -> None:
    learnt(written, SECRET)
    assert [hit for hit in written.gita.get("/api/search", params={"q": q}).json()
            if SECRET in str(hit) or q != f"acme {SECRET}"] == []  # fmt: skip
    assert ids(written.gita, "organizations", q=q) == []
    assert ids(written.gita, "organizations", q=q, count="exact", name="x") == []
    found = written.stan.get("/api/search", params={"q": q}).json()
    assert [hit["id"] for hit in found if hit["kind"] == "organization"] == [written.acme]


def test_no_page_shows_a_guest_what_they_are_not_told(written: Cast) -> None:
    acme, contact = written.acme, written.stan_contact
    tabs = ["", "/projects", "/members", "/documents", "/tasks", "/activities"]
    paths = [f"/organizations/{acme}{tab}" for tab in tabs]
    paths += ["/organizations", "/", f"/contacts/{contact}", "/contacts", f"/search?q={SECRET[:5]}",
              "/organizations/export", "/organizations?q=acme",
              *(f"/{noun}/{work(written, noun)}" for noun in WORK)]  # fmt: skip
    for path in paths:
        page = written.gita.get(path, headers={"Accept": "text/html"}, follow_redirects=True)
        assert page.status_code == 200, path
        text = page.text.replace(SECRET[:5] + '"', "")
        assert SECRET not in text and "Cora" not in text, path
    page = written.gita.get(f"/organizations/{acme}", headers={"Accept": "text/html"}).text
    assert "Globex" not in page.partition("<main")[2]
    properties = page[page.index("Properties") :]
    for label in ("Owner", "Tags", "External id", "Description"):
        assert f">{label}<" not in properties, label
    assert (
        'name="tags"'
        not in written.gita.get("/organizations", headers={"Accept": "text/html"}).text
    )
    page = written.stan.get(f"/organizations/{acme}", headers={"Accept": "text/html"}).text
    assert SECRET in page and "Cora" in page


def test_every_other_field_is_told_to_whoever_sees_the_record() -> None:
    for noun, scopes in UNTOLD.items():
        assert set(scopes) == {"client"}
        assert all(is_told(noun, field, scope) for scope in SCOPES for field in ("id", "name"))


def test_a_change_of_what_guests_are_not_told_is_told_as_a_change_alone(written: Cast) -> None:
    before = written.gita.get(f"/api/organizations/{written.acme}")
    written.ada.put(f"/api/organizations/{written.acme}", {"description": "other"})
    after = written.gita.get(f"/api/organizations/{written.acme}")
    assert after.headers["etag"] != before.headers["etag"]
    differing: list[Any] = [k for k, v in after.json().items() if before.json()[k] != v]
    assert differing == ["updatedAt"]
