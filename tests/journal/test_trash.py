"""The trash: deleted records with the number deleted along; restored ones are gone."""

from typing import Any

import pytest

from support.cast import Cast
from support.journal import last, tree, undone, world
from support.samples import NDJSON, line


def trash(cast: Cast, **asked: Any) -> list[tuple[str, int, int]]:
    """Kind, id, and the number of records deleted along."""
    answer = cast.cora.get("/api/trash", params=asked)
    assert answer.status_code == 200, answer.text
    return [(row["kind"], row["id"], row["alsoDeleted"]) for row in answer.json()]


def test_a_deleted_organization_is_one_entry_until_it_comes_back(cast: Cast) -> None:
    ids = tree(cast)
    assert trash(cast) == []
    before = world(cast)
    cast.ada.delete(f"/api/organizations/{ids['top']}")
    operation = last(cast)
    (entry,) = cast.cora.get("/api/trash").json()
    assert entry == {
        "kind": "organization", "id": ids["top"], "title": "Top", "organizationId": ids["top"],
        "deletedAt": operation["at"], "deletedBy": operation["actor"], "operationId": operation["id"],
        "sequence": entry["sequence"], "alsoDeleted": 9,  # a project, three tasks, three documents, an activity, a member
    }  # fmt: skip
    undone(cast, entry["operationId"], "cora")
    assert trash(cast) == []
    assert world(cast) == before
    undone(cast)
    assert [(kind, id) for kind, id, _ in trash(cast)] == [("organization", ids["top"])], (
        "deleted again by a redo"
    )


def test_a_deleted_project_takes_its_tasks_and_the_documents_of_it_alone(cast: Cast) -> None:
    ids = tree(cast)
    cast.ada.delete(f"/api/projects/{ids['project']}")
    assert trash(cast) == [("project", ids["project"], 3)]


def test_a_record_deleted_before_its_organization_has_its_own_trash_entry(cast: Cast) -> None:
    ids = tree(cast)
    for path in (f"activities/{ids['activity']}", f"tasks/{ids['task']}", f"documents/{ids['link']}", f"projects/{ids['project']}",
                 f"organizations/{ids['top']}/members/{ids['gita']}", f"contacts/{ids['contact']}",
                 f"organizations/{ids['top']}"):  # fmt: skip
        assert cast.ada.delete(f"/api/{path}").status_code == 204
    assert trash(cast) == [
        ("organization", ids["top"], 2), ("contact", ids["contact"], 0), ("member", ids["gita"], 0),
        ("project", ids["project"], 2), ("document", ids["link"], 0), ("task", ids["task"], 0),
        ("activity", ids["activity"], 0),
    ]  # fmt: skip


def test_records_deleted_in_one_bulk_request_have_an_entry_each(cast: Cast) -> None:
    ids = tree(cast)
    paths = [f"/tasks/{ids['task']}", f"/projects/{ids['project']}", f"/contacts/{ids['contact']}"]
    content = b"".join(line("DELETE", path) for path in paths)
    assert cast.ada.post("/api/bulk", content=content, headers=NDJSON).status_code == 200
    found = trash(cast)
    assert sorted(found) == [("contact", ids["contact"], 0), ("project", ids["project"], 3)]
    assert {row["operationId"] for row in cast.ada.get("/api/trash").json()} == {last(cast)["id"]}


def test_a_removed_link_is_no_trash_entry(cast: Cast) -> None:
    ids = tree(cast)
    cast.ada.put(f"/api/documents/{ids['link']}", {"projectIds": []})
    assert trash(cast) == []


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_paging_the_trash_misses_and_repeats_nothing(cast: Cast, limit: int) -> None:
    """One operation may delete records of several nouns with the same id."""
    made: list[tuple[str, int]] = []
    start = 1 + max(
        cast.sql.value(f"SELECT max(id) FROM {noun}") or 0
        for noun in ("tasks", "contacts", "projects")
    )
    for noun in ("tasks", "contacts", "projects"):
        cast.sql.rows(f"ALTER SEQUENCE {noun}_id_seq RESTART WITH {start}")
    for n in range(3):
        made += [("tasks", cast.ada.made("/api/tasks", title=f"T{n}")["id"]), ("contacts", cast.contact(f"C{n}")),
                 ("projects", cast.ada.made("/api/projects", title=f"P{n}", organizationId=cast.acme)["id"])]  # fmt: skip
    content = b"".join(line("DELETE", f"/{noun}/{id}") for noun, id in made)
    assert cast.ada.post("/api/bulk", content=content, headers=NDJSON).status_code == 200
    whole, found = trash(cast), []
    url: str | None = f"/api/trash?limit={limit}"
    while url:
        page = cast.cora.get(url)
        found += [(row["kind"], row["id"], row["alsoDeleted"]) for row in page.json()]
        url = page.links.get("next", {}).get("url")
    assert found == whole
    assert len(set(whole)) == 9


def test_the_trash_is_filtered_like_any_list(cast: Cast) -> None:
    task = cast.ada.made("/api/tasks", title="T", organizationId=cast.acme)["id"]
    cast.cora.delete(f"/api/tasks/{task}")
    contact = cast.contact("Lou")
    cast.ada.delete(f"/api/contacts/{contact}")
    assert trash(cast, kind="task") == [("task", task, 0)]
    assert trash(cast, actorId=cast.ada.id) == [("contact", contact, 0)]
    assert trash(cast, organizationId=cast.acme) == [("task", task, 0)]
    assert trash(cast, since="-1h") == [("contact", contact, 0), ("task", task, 0)]
    assert trash(cast, until="-1h") == []
    assert cast.cora.get("/api/trash?kind=user").status_code == 422
    assert cast.olga.get("/api/trash").json() == []
