"""Undo as precise as its place: one change, one record with its tree, and a whole that passes over what was undone singly."""

import json
from typing import Any

import httpx
import pytest

from support.cast import Cast, Person
from support.journal import history, last, tree, undo, undone, world
from support.samples import bulk


def part(person: Person, id: int, **which: Any) -> httpx.Response:
    query = "&".join(f"{name}={value}" for name, value in which.items())
    return person.post(f"/api/operations/{id}/undo?{query}")


def done(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def together(person: Person, *lines: tuple[str, str, Any]) -> int:
    """Writes of one operation; its id."""
    texts = [{"method": method, "path": path, "body": body} if body is not None else
             {"method": method, "path": path} for method, path, body in lines]  # fmt: skip
    response = bulk(person, *(json.dumps(text).encode() + b"\n" for text in texts))
    assert response.status_code == 200, response.text
    return int(person.get("/api/operations?limit=1").json()[0]["id"])


def organizations(cast: Cast, number: int) -> list[int]:
    made = [cast.ada.made("/api/organizations", name=f"O{n}", type="other") for n in range(number)]
    return [each["id"] for each in made]


def test_one_change_is_taken_back_and_nothing_else(cast: Cast) -> None:
    ids = organizations(cast, 3)
    operation = together(
        cast.ada, *(("PUT", f"/organizations/{id}", {"industry": "Water"}) for id in ids)
    )
    entry = history(cast, "organizations", ids[1])[0]
    assert entry["operation"]["id"] == operation and entry["undoneBy"] is None
    made = done(part(cast.ada, operation, change=entry["sequence"]))
    assert (made["undoes"], made["undoesPart"], made["records"]) == (operation, True, 1)
    assert [cast.ada.get(f"/api/organizations/{id}").json()["industry"] for id in ids] == [
        "Water",
        None,
        "Water",
    ]
    entries = history(cast, "organizations", ids[1])
    assert entries[1]["undoneBy"] == made["id"] and entries[0]["undoneBy"] is None
    assert cast.ada.get(f"/api/operations/{operation}").json()["undoneBy"] is None
    again = part(cast.ada, operation, change=entry["sequence"])
    assert again.status_code == 409 and "taken back already" in again.text
    done(undo(cast.ada, made["id"]))
    assert cast.ada.get(f"/api/organizations/{ids[1]}").json()["industry"] == "Water"
    assert history(cast, "organizations", ids[1])[2]["undoneBy"] is None
    done(part(cast.ada, operation, change=entry["sequence"]))
    assert cast.ada.get(f"/api/organizations/{ids[1]}").json()["industry"] is None


def test_one_change_clashes_only_with_later_changes_of_its_fields(cast: Cast) -> None:
    path = f"/api/organizations/{cast.acme}"
    cast.ada.put(path, {"industry": "Water", "website": "https://a.example"})
    entry, operation = history(cast, "organizations", cast.acme)[0], last(cast)["id"]
    cast.cora.put(path, {"status": "archived"})
    done(part(cast.ada, operation, change=entry["sequence"]))
    shown = cast.ada.get(path).json()
    assert (shown["industry"], shown["status"]) == (None, "archived")
    cast.ada.put(path, {"industry": "Water"})
    entry, operation = history(cast, "organizations", cast.acme)[0], last(cast)["id"]
    cast.cora.put(path, {"industry": "Steel"})
    response = part(cast.ada, operation, change=entry["sequence"])
    assert response.status_code == 409 and response.json()["clashes"][0]["by"] == "Cora"
    undone(cast)  # Cora's change
    done(part(cast.ada, operation, change=entry["sequence"]))


def test_a_change_of_a_deleted_record_clashes(cast: Cast) -> None:
    task = cast.ada.made("/api/tasks", title="T")["id"]
    cast.ada.put(f"/api/tasks/{task}", {"title": "U"})
    operation = last(cast)["id"]
    cast.ada.delete(f"/api/tasks/{task}")
    response = part(cast.ada, operation, record=f"tasks/{task}")
    assert response.status_code == 409 and "was deleted" in response.text


def test_of_two_changes_of_a_record_in_one_operation_each_is_taken_back_alone(cast: Cast) -> None:
    path = f"/organizations/{cast.acme}"
    operation = together(
        cast.ada,
        ("PUT", path, {"industry": "Water"}),
        ("PUT", path, {"industry": "Steel"}),
        ("PUT", path, {"status": "archived"}),
    )
    sequences = {
        change["after"]: each["sequence"]
        for each in cast.ada.get(f"/api/operations/{operation}").json()["changes"]
        for change in each["changes"]
    }
    assert part(cast.ada, operation, change=sequences["Water"]).status_code == 409
    done(part(cast.ada, operation, change=sequences["Steel"]))
    assert cast.ada.get(f"/api{path}").json()["industry"] == "Water"
    done(part(cast.ada, operation, change=sequences["Water"]))
    assert done(undo(cast.ada, operation))["passedOver"] == 1
    shown = cast.ada.get(f"/api{path}").json()
    assert (shown["industry"], shown["status"]) == (None, "active")


def test_one_record_of_those_deleted_together_is_restored_with_its_tree(cast: Cast) -> None:
    ids = tree(cast)
    others = organizations(cast, 2)
    before = world(cast)
    operation = together(
        cast.ada,
        *(("DELETE", f"/organizations/{id}", None) for id in (others[0], ids["top"], others[1])),
    )
    made = done(part(cast.ada, operation, record=f"organizations/{ids['top']}"))
    assert made["undoesPart"] and made["passedOver"] == 0
    for id in others:
        assert cast.ada.get(f"/api/organizations/{id}").status_code == 404
    assert [each["id"] for each in cast.ada.get("/api/trash").json()] == list(
        reversed(others)
    ) or len(cast.ada.get("/api/trash").json()) == 2
    # The rest passes over it, although it has been changed since.
    cast.cora.put(f"/api/organizations/{ids['top']}", {"industry": "Changed"})
    rest = done(undo(cast.ada, operation))
    assert rest["passedOver"] > 5 and not rest["undoesPart"]
    cast.ada.put(f"/api/organizations/{ids['top']}", {"industry": None})
    assert world(cast) == before
    assert cast.ada.get("/api/trash").json() == []


def test_a_restored_record_can_go_again_and_the_whole_takes_it_back_then(cast: Cast) -> None:
    ids = organizations(cast, 2)
    before = world(cast)
    operation = together(cast.ada, *(("DELETE", f"/organizations/{id}", None) for id in ids))
    made = done(part(cast.ada, operation, record=f"organizations/{ids[0]}"))
    done(undo(cast.ada, made["id"]))
    assert cast.ada.get(f"/api/organizations/{ids[0]}").status_code == 404
    assert done(undo(cast.ada, operation))["passedOver"] == 0
    assert world(cast) == before


def test_a_project_comes_back_without_its_deleted_organizations_other_parts(cast: Cast) -> None:
    ids = tree(cast)
    cast.ada.delete(f"/api/organizations/{ids['top']}")
    operation = last(cast)["id"]
    response = part(cast.ada, operation, record=f"projects/{ids['project']}")
    assert response.status_code == 409, "its organization is deleted"
    assert f"organizations {ids['top']}" in response.text
    # A task alone neither.
    assert part(cast.ada, operation, record=f"tasks/{ids['own task']}").status_code == 409
    assert cast.ada.get("/api/operations?limit=1").json()[0]["id"] == operation


def test_a_link_between_two_that_were_deleted_together_comes_with_the_second(cast: Cast) -> None:
    first, second = organizations(cast, 2)
    project = cast.ada.made("/api/projects", title="P", organizationId=second)["id"]
    document = cast.ada.made(
        "/api/documents", name="D", url="https://x.example", projectIds=[project]
    )["id"]
    before = world(cast)
    operation = together(
        cast.ada, *(("DELETE", f"/organizations/{id}", None) for id in (first, second))
    )
    done(part(cast.ada, operation, record=f"organizations/{second}"))
    assert cast.ada.get(f"/api/documents/{document}").status_code == 200
    done(part(cast.ada, operation, record=f"organizations/{first}"))
    assert world(cast) == before
    response = undo(cast.ada, operation)
    assert response.status_code == 409 and "one by one" in response.text


def test_a_created_record_is_taken_back_with_what_was_created_below_it(cast: Cast) -> None:
    before = world(cast)
    operation = together(
        cast.ada,
        ("PUT", "/organizations/by/externalId/a", {"name": "A", "type": "other"}),
        ("PUT", "/organizations/by/externalId/b", {"name": "B", "type": "other"}),
    )
    a, b = (cast.ada.get(f"/api/organizations?externalId={key}").json()[0]["id"] for key in "ab")
    done(part(cast.ada, operation, record=f"organizations/{a}"))
    assert cast.ada.get(f"/api/organizations/{a}").status_code == 404
    assert cast.ada.get(f"/api/organizations/{b}").status_code == 200
    cast.ada.made("/api/tasks", title="T", organizationId=b)
    assert part(cast.ada, operation, record=f"organizations/{b}").status_code == 409
    undone(cast)  # the task
    assert done(undo(cast.ada, operation))["passedOver"] == 1
    assert world(cast) == before


def test_a_removed_member_is_restored_alone(cast: Cast) -> None:
    path = f"/organizations/{cast.acme}/members"
    operation = together(
        cast.ada,
        ("DELETE", f"{path}/{cast.stan_contact}", None),
        ("DELETE", f"{path}/{cast.gita_contact}", None),
    )
    done(part(cast.ada, operation, record=f"members/{cast.gita_contact}"))
    members = {each["contactId"] for each in cast.ada.get(f"/api{path}").json()}
    assert cast.gita_contact in members and cast.stan_contact not in members
    trash = cast.ada.get("/api/trash").json()
    assert [(each["kind"], each["id"], each["operationId"]) for each in trash] == [
        ("member", cast.stan_contact, operation)
    ]
    done(part(cast.ada, operation, change=trash[0]["sequence"]))
    assert cast.ada.get("/api/trash").json() == []


def test_a_part_takes_the_rights_of_its_own_changes_alone(cast: Cast) -> None:
    hidden = cast.cora.made("/api/tasks", title="H", organizationId=cast.globex)["id"]
    task = cast.stan.made("/api/tasks", title="T", organizationId=cast.acme)["id"]
    operation = together(
        cast.cora,
        ("PUT", f"/tasks/{task}", {"title": "U"}),
        ("PUT", f"/tasks/{hidden}", {"title": "I"}),
    )
    assert part(cast.stan, operation, record=f"tasks/{task}").status_code == 403
    assert part(cast.gita, operation, record=f"tasks/{task}").status_code in (403, 404)
    assert part(cast.olga, operation, record=f"tasks/{task}").status_code == 404
    own = together(
        cast.stan,
        ("PUT", f"/tasks/{task}", {"title": "V"}),
        ("PUT", f"/tasks/{task}", {"priority": "high"}),
    )
    done(part(cast.stan, own, record=f"tasks/{task}"))
    shown = cast.stan.get(f"/api/tasks/{task}").json()
    assert (shown["title"], shown["priority"]) == ("U", "medium")


@pytest.mark.parametrize(
    ("query", "field"),
    [("change=0", "change"), ("change=9999", "change"), ("change=x", "change"), ("record=tasks", "record"),
     ("record=tasks/9999999", "record"), ("record=nothing/1", "record"), ("change=1&record=tasks/1", "record"),
     ("other=1", "other")],
)  # fmt: skip
def test_a_part_that_is_none_is_refused_by_name(cast: Cast, query: str, field: str) -> None:
    cast.ada.made("/api/tasks", title="T")
    response = cast.ada.post(f"/api/operations/{last(cast)['id']}/undo?{query}")
    assert response.status_code == 422, response.text
    assert [each["field"] for each in response.json()["errors"]] == [field]


def test_a_dry_run_of_a_part_changes_nothing(cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"industry": "Water"})
    before, operation = world(cast), last(cast)["id"]
    response = cast.ada.post(
        f"/api/operations/{operation}/undo?change=1", headers={"Prefer": "dry-run"}
    )
    assert response.status_code == 200 and response.json()["undoesPart"]
    assert world(cast) == before
    assert cast.ada.get(f"/api/operations/{operation}").json()["canUndo"]
