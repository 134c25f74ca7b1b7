"""Versions and history of their time: who sees a record now reads what they would have seen then."""

from collections.abc import Callable
from typing import Any

import pytest

from support.cast import Cast
from support.journal import history, last, undo
from support.samples import FILE

HIDDEN = "our margin is 62 percent"


def _file(text: str) -> dict[str, tuple[str, bytes, str]]:
    return {"file": ("offer.txt", text.encode(), "text/plain")}


def _document(cast: Cast, **fields: Any) -> int:
    response = cast.cora.post("/api/documents", files=_file(HIDDEN), data=fields)
    assert response.status_code == 200, response.text
    return int(response.json()["id"])


def _add_version(cast: Cast, document: int, text: str) -> None:
    path = f"/api/documents/{document}/versions"
    assert cast.cora.post(path, files=_file(text)).status_code == 200


def _change(cast: Cast, path: str, **fields: Any) -> None:
    response = cast.cora.put(f"/api/{path}", fields)
    assert response.status_code == 200, response.text


def test_a_guest_reads_no_version_that_was_internal_while_it_was_the_newest(cast: Cast) -> None:
    document = _document(cast, organizationId=str(cast.acme))
    path = f"/api/documents/{document}"
    _add_version(cast, document, "Our offer")
    _change(cast, f"documents/{document}", audience="client")
    _add_version(cast, document, "Our better offer")
    assert [row["number"] for row in cast.gita.get(f"{path}/versions").json()] == [2, 3]
    counted = cast.gita.get(f"{path}/versions?count=exact&limit=1")
    assert counted.headers["x-total-count"] == "2"
    assert cast.gita.get(f"{path}/versions/1/content").status_code == 404
    assert cast.gita.get(f"{path}/versions/2/content").text == "Our offer"
    shown = cast.gita.get(f"/documents/{document}", headers={"Accept": "text/html"}).text
    assert "versions/2" in shown and "versions/1" not in shown
    assert cast.gita.get(f"/documents/{document}/versions/1/preview").status_code == 404
    assert cast.gita.get(f"/documents/{document}/versions/2/preview").status_code == 200
    for person in (cast.cora, cast.stan):
        assert len(person.get(f"{path}/versions").json()) == 3
        assert person.get(f"{path}/versions/1/content").text == HIDDEN


@pytest.mark.parametrize("then", ["organization", "project"])
def test_a_version_of_before_a_documents_move_stays_where_it_was(cast: Cast, then: str) -> None:
    elsewhere = cast.ada.made("/api/projects", title="P", organizationId=cast.globex)["id"]
    home = {
        "organization": {"organizationId": str(cast.globex)},
        "project": {"projectIds": str(elsewhere)},
    }
    document = _document(cast, **home[then])
    _add_version(cast, document, "Our offer")
    _change(cast, f"documents/{document}", organizationId=cast.acme, projectIds=[])
    path = f"/api/documents/{document}"
    assert [row["number"] for row in cast.stan.get(f"{path}/versions").json()] == [2]
    assert cast.stan.get(f"{path}/versions/1/content").status_code == 404


def test_the_time_of_a_version_is_that_of_the_next_one(cast: Cast) -> None:
    document = _document(cast, organizationId=str(cast.acme))
    path = f"/api/documents/{document}"
    _change(cast, f"documents/{document}", audience="client")
    _add_version(cast, document, "Our offer")
    assert cast.gita.get(f"{path}/versions/1/content").status_code == 200
    _change(cast, f"documents/{document}", audience="internal")
    assert cast.gita.get(f"{path}/versions/1/content").status_code == 404


def _task(cast: Cast) -> tuple[int, list[str], list[str]]:
    made = cast.cora.made("/api/tasks", title="T", description=HIDDEN, organizationId=cast.globex)
    _change(cast, f"tasks/{made['id']}", description=None, priority="high")
    _change(cast, f"tasks/{made['id']}", organizationId=cast.acme, status="review")
    _change(cast, f"tasks/{made['id']}", title="Told")
    return made["id"], ["title"], ["organizationId", "status"]


def _project_task(cast: Cast) -> tuple[int, list[str], list[str]]:
    hidden = cast.cora.made("/api/projects", title="H", organizationId=cast.globex)["id"]
    told = cast.cora.made("/api/projects", title="P", organizationId=cast.acme)["id"]
    made = cast.cora.made("/api/tasks", title="T", description=HIDDEN, projectId=hidden)
    _change(cast, f"tasks/{made['id']}", description=None)
    _change(cast, f"tasks/{made['id']}", projectId=told)
    _change(cast, f"tasks/{made['id']}", title="Told")
    return made["id"], ["title"], ["projectId"]


def _assigned_task(cast: Cast) -> tuple[int, list[str], list[str]]:
    made = cast.cora.made("/api/tasks", title="T", description=HIDDEN)
    _change(cast, f"tasks/{made['id']}", description=None)
    _change(cast, f"tasks/{made['id']}", assigneeId=cast.stan.id)
    _change(cast, f"tasks/{made['id']}", title="Told")
    return made["id"], ["title"], ["assigneeId"]


def _linked_document(cast: Cast) -> tuple[int, list[str], list[str]]:
    hidden = cast.cora.made("/api/projects", title="H", organizationId=cast.globex)["id"]
    told = cast.cora.made("/api/projects", title="P", organizationId=cast.acme)["id"]
    made = cast.cora.made(
        "/api/documents", name="D", url="https://x.example", description=HIDDEN, projectIds=[hidden]
    )
    _change(cast, f"documents/{made['id']}", description=None)
    _change(cast, f"documents/{made['id']}", projectIds=[told], url="https://y.example")
    _change(cast, f"documents/{made['id']}", name="Told")
    return made["id"], ["name"], ["url"]


def _activity(cast: Cast) -> tuple[int, list[str], list[str]]:
    made = cast.cora.made(f"/api/organizations/{cast.globex}/activities", text=HIDDEN)
    _change(cast, f"activities/{made['id']}", text="Harmless")
    _change(cast, f"activities/{made['id']}", organizationId=cast.acme)
    _change(cast, f"activities/{made['id']}", text="Told")
    return made["id"], ["text"], ["organizationId"]


def _contact(cast: Cast) -> tuple[int, list[str], list[str]]:
    made = cast.contact("Lou")
    _change(cast, f"contacts/{made}", department=HIDDEN)
    _change(cast, f"contacts/{made}", department=None)
    path = f"/api/organizations/{cast.acme}/members"
    cast.cora.post(path, {"contactId": made, "role": "member"})
    _change(cast, f"contacts/{made}", title="Told")
    return made, ["title"], []


MOVED: dict[str, tuple[str, Callable[[Cast], tuple[int, list[str], list[str]]]]] = {
    "a task by its organization": ("tasks", _task),
    "a task by its project": ("tasks", _project_task),
    "a task by its assignee": ("tasks", _assigned_task),
    "a document by its project": ("documents", _linked_document),
    "an activity": ("activities", _activity),
    "a contact by a membership": ("contacts", _contact),
}


@pytest.mark.parametrize("which", MOVED)
def test_a_history_begins_when_the_record_came_into_sight(cast: Cast, which: str) -> None:
    noun, make = MOVED[which]
    id, since, moved = make(cast)
    entries = [each for each in history(cast, noun, id, "stan") if each["entity"] == noun]
    assert [change["field"] for change in entries[0]["changes"]] == since
    assert entries[0]["changes"][0]["before"] is not None or noun == "contacts"
    if moved:
        # Of the move itself, what came.
        assert [change["field"] for change in entries[1]["changes"]] == moved
        assert [change["before"] for change in entries[1]["changes"]] == [None] * len(moved)
        assert all(change["after"] is not None for change in entries[1]["changes"])
    assert len(entries) == 1 + bool(moved)
    assert HIDDEN in str(history(cast, noun, id, "cora"))


@pytest.mark.slow
@pytest.mark.parametrize("which", MOVED)
def test_nothing_else_tells_the_text_of_when_a_record_was_out_of_sight(
    cast: Cast, which: str
) -> None:
    noun, make = MOVED[which]
    first = last(cast, "cora")["id"]
    id, _, _ = make(cast)
    operations = [
        each["id"] for each in cast.cora.get("/api/operations").json() if each["id"] > first
    ]
    assert HIDDEN in str([cast.cora.get(f"/api/operations/{each}").text for each in operations])
    told = [cast.stan.get(f"/api/operations/{each}").text for each in operations]
    told += [cast.stan.get(path).text for path in ("/api/operations", f"/api/{noun}/{id}")]
    for page in (
        f"/{noun}/{id}",
        f"/{noun}/{id}/history",
        "/activity",
        f"/organizations/{cast.acme}/history",
    ):
        told.append(cast.stan.get(page, headers={"Accept": "text/html"}).text)
    assert HIDDEN not in str(told)
    for each in operations:
        assert undo(cast.stan, each).status_code in (403, 404)


def test_what_was_out_of_sight_is_undone_by_nobody_who_did_not_see_it(cast: Cast) -> None:
    # Stan takes his own task out of his sight by its assignee; what happens there is not his.
    task = cast.cora.made("/api/tasks", title="T", assigneeId=cast.stan.id)["id"]
    cast.stan.put(f"/api/tasks/{task}", {"title": "Mine"})
    own = last(cast, "stan")["id"]
    _change(cast, f"tasks/{task}", assigneeId=None)
    _change(cast, f"tasks/{task}", description=HIDDEN)
    _change(cast, f"tasks/{task}", description=None)
    _change(cast, f"tasks/{task}", organizationId=cast.acme)
    assert HIDDEN not in str(history(cast, "tasks", task, "stan"))
    fields = [
        [c["field"] for c in each["changes"]] for each in history(cast, "tasks", task, "stan")
    ]
    assert fields[:1] == [["organizationId"]] and ["title"] in fields
    response = undo(cast.stan, own)
    assert response.status_code == 409 and HIDDEN not in response.text


def test_a_private_views_past_stays_its_owners(cast: Cast) -> None:
    view = cast.cora.made("/api/views", name=HIDDEN, noun="tasks", query="")["id"]
    made = last(cast, "cora")["id"]
    _change(cast, f"views/{view}", name="Shared", isShared=True)
    shared = last(cast, "cora")["id"]
    assert HIDDEN in cast.cora.get(f"/api/operations/{shared}").text
    assert HIDDEN not in cast.ada.get(f"/api/operations/{shared}").text
    assert "Shared" in cast.ada.get(f"/api/operations/{shared}").text
    assert HIDDEN not in cast.ada.get(f"/api/operations/{made}").text


def test_a_link_to_a_hidden_project_is_in_no_history_of_who_does_not_see_it(cast: Cast) -> None:
    project = cast.cora.made("/api/projects", title="H", organizationId=cast.globex)["id"]
    document = cast.stan.post("/api/documents", files=FILE, data={"organizationId": str(cast.acme)})
    id = document.json()["id"]
    _change(cast, f"documents/{id}", organizationId=cast.globex, projectIds=[project])
    entities = {
        (each["entity"], each["entityId"]) for each in history(cast, "documents", id, "stan")
    }
    assert ("documentProjects", project) not in entities and ("documents", id) in entities
    assert ("documentProjects", project) in {
        (each["entity"], each["entityId"]) for each in history(cast, "documents", id, "cora")
    }
