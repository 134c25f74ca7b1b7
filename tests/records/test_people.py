"""The people whom a record may name, and the list of them."""

import json
from typing import Any

import pytest

from support.cast import Cast, Person
from support.pages.sitemap import post
from support.samples import bulk, line


def listed(person: Person) -> set[int]:
    answer = person.get("/api/users/names?limit=1000")
    assert answer.status_code == 200, answer.text
    return {row["id"] for row in answer.json()}


@pytest.fixture
def guests(cast: Cast) -> dict[str, Person]:
    """A guest of an organization that Stan does not see, and one of none."""
    contact = cast.contact("Gus")
    cast.ada.made(f"/api/organizations/{cast.globex}/members", contactId=contact, role="member")
    return {
        "of another client": cast.person("Gus", "guest", contact=contact),
        "of no client": cast.person("Noa", "guest"),
    }


def test_the_names_are_our_people_and_guests_of_organizations_that_the_viewer_sees(
    cast: Cast, guests: dict[str, Person]
) -> None:
    ours = {who.id for who in (cast.ada, cast.cora, cast.stan, cast.sam)}
    everybody = ours | {cast.gita.id} | {guest.id for guest in guests.values()}
    seen = {who: listed(getattr(cast, who)) for who in ("ada", "cora", "stan", "sam")}
    assert seen == {
        "ada": everybody,
        "cora": everybody,
        "stan": ours | {cast.gita.id},
        "sam": ours,
    }
    assert cast.gita.get("/api/users/names").status_code == 403
    cast.ada.delete(f"/api/organizations/{cast.acme}/members/{cast.gita_contact}")
    assert listed(cast.stan) == ours


@pytest.mark.parametrize("guest", ["of another client", "of no client"])
def test_staff_assign_no_task_to_a_guest_whom_they_are_not_told_of(
    cast: Cast, guests: dict[str, Person], guest: str
) -> None:
    stranger = guests[guest].id
    path = "/api/tasks"
    body = {"title": "T", "organizationId": cast.acme, "audience": "client", "assigneeId": stranger}
    made = cast.stan.made(path, **body | {"assigneeId": cast.gita.id})["id"]
    before = cast.ada.get(f"{path}/{made}").text

    def refused(status: int, problem: dict[str, Any]) -> None:
        assert status == 422
        (error,) = problem["errors"]
        assert error["field"] == "assigneeId"
        assert "not yours to name" in error["message"]
        assert "GET /api/users/names" in error["message"]

    tried = [cast.stan.post(path, body), cast.stan.put(f"{path}/{made}", {"assigneeId": stranger})]
    tried += [cast.stan.post(path, body, headers={"Prefer": "dry-run"})]
    for answer in tried:
        refused(answer.status_code, answer.json())
    lines = [
        line("POST", path, body),
        line("PUT", f"{path}/{made}", {"assigneeId": stranger}),
    ]
    for each in lines:  # one alone, and in a group of creates
        for of_bulk in (bulk(cast.stan, each), bulk(cast.stan, each, each)):
            assert of_bulk.status_code == 422
            refused(422, of_bulk.json()["lines"][0])
    for form in (f"/tasks/{made}", "/tasks"):
        fields = {name: str(value) for name, value in body.items()}
        answer = post(cast.stan, form, **fields)
        assert (answer.status_code, "not yours to name" in answer.text) == (422, True)
    assert cast.ada.get(f"{path}/{made}").text == before
    assert len(cast.ada.get(path).json()) == 1
    assert str(stranger) not in json.dumps(cast.stan.get("/api/users/names").json())


def test_an_assignee_who_is_there_already_may_stay_whoever_saves_the_task(
    cast: Cast, guests: dict[str, Person]
) -> None:
    other = guests["of another client"]
    task = cast.ada.made("/api/tasks", title="T", organizationId=cast.acme, assigneeId=other.id)
    path = f"/api/tasks/{task['id']}"
    saved = cast.stan.put(path, {"title": "Told", "assigneeId": other.id})
    assert (saved.status_code, saved.json()["assigneeId"]) == (200, other.id)
    assert cast.stan.put(path, {"assigneeId": None}).status_code == 200
    assert cast.stan.put(path, {"assigneeId": other.id}).status_code == 422


def test_a_guest_whom_staff_are_not_told_of_is_not_there_for_them(
    cast: Cast, guests: dict[str, Person]
) -> None:
    known, stranger = cast.gita.id, guests["of another client"].id
    answers = [cast.stan.get(f"/api/users/{id}").status_code for id in (known, stranger, 2**52)]
    assert answers == [403, 404, 404]


def test_an_owner_is_somebody_whom_the_viewer_is_told_of(cast: Cast) -> None:
    path = f"/api/organizations/{cast.acme}"
    listed_ids = listed(cast.cora)
    for id in (cast.stan.id, cast.olga.id, 2**52):
        answer = cast.cora.put(path, {"ownerId": id})
        assert answer.status_code == (200 if id in listed_ids else 422)
