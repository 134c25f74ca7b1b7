"""A stack of one's own operations: undo, undo, redo; and what an undo would take back."""

import json
from typing import Any

import pytest

from support.cast import Cast, Person
from support.journal import last, tree, undo
from support.samples import FILE, bulk


@pytest.fixture
def cast(cast: Cast) -> Cast:
    """A cast whose Ada and Cora have done nothing yet: the set-up is another's work."""
    cast.ada = cast.person("Ada", "admin")
    cast.cora = cast.person("Cora", "consultant")
    return cast


def pressed(person: Person, key: str) -> dict[str, Any] | None:
    """The operation that undo or redo made; None where there was nothing."""
    response = person.post(f"/api/user/{key}")
    if response.status_code == 409 and "nothing" in response.text:
        return None
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def industry(cast: Cast, new: str | None = None) -> str | None:
    path = f"/api/organizations/{cast.acme}"
    if new is not None:
        cast.ada.put(path, {"industry": new})
    found: str | None = cast.ada.get(path).json()["industry"]
    return found


def test_undo_goes_back_step_by_step_and_redo_forth_again(cast: Cast) -> None:
    for step in ("A", "B", "C"):
        industry(cast, step)
    for expected in ("B", "A", None):
        assert pressed(cast.ada, "undo")
        assert industry(cast) == expected
    assert pressed(cast.ada, "undo") is None
    for expected in ("A", "B", "C"):
        assert pressed(cast.ada, "redo")
        assert industry(cast) == expected
    assert pressed(cast.ada, "redo") is None
    # Once more, over what was redone.
    for expected in ("B", "A"):
        assert pressed(cast.ada, "undo")
        assert industry(cast) == expected
    pressed(cast.ada, "redo")
    assert industry(cast) == "B"
    pressed(cast.ada, "undo")
    assert industry(cast) == "A"


def test_something_new_ends_what_could_be_redone(cast: Cast) -> None:
    industry(cast, "A")
    industry(cast, "B")
    pressed(cast.ada, "undo")
    industry(cast, "C")
    assert pressed(cast.ada, "redo") is None
    for expected in ("A", None):
        pressed(cast.ada, "undo")
        assert industry(cast) == expected


def test_the_stack_is_ones_own(cast: Cast) -> None:
    industry(cast, "A")
    task = cast.stan.made("/api/tasks", title="T", organizationId=cast.acme)["id"]
    assert pressed(cast.cora, "undo") is None
    assert cast.gita.post("/api/user/undo").status_code == 403
    cast.stan.put(f"/api/tasks/{task}", {"title": "U"})
    assert pressed(cast.stan, "undo")
    assert cast.stan.get(f"/api/tasks/{task}").json()["title"] == "T"
    assert industry(cast) == "A"
    pressed(cast.ada, "undo")
    assert industry(cast) is None


def test_undoing_anothers_operation_or_one_change_is_work_like_any_other(cast: Cast) -> None:
    industry(cast, "A")
    operation = last(cast)["id"]
    assert undo(cast.cora, operation).status_code == 200
    assert industry(cast) is None
    assert pressed(cast.ada, "undo") is None, "hers is undone already"
    pressed(cast.cora, "undo")
    assert industry(cast) == "A"
    pressed(cast.cora, "redo")
    assert industry(cast) is None
    industry(cast, "B")
    operation = last(cast)["id"]
    cast.ada.post(f"/api/operations/{operation}/undo?change=1")
    pressed(cast.ada, "undo")
    assert industry(cast) == "B"
    pressed(cast.ada, "redo")
    assert industry(cast) is None


def test_what_cannot_be_undone_is_passed_and_what_clashes_is_told(cast: Cast) -> None:
    industry(cast, "A")
    document = cast.ada.post("/api/documents", files=FILE, data={"organizationId": str(cast.acme)})
    cast.ada.post(f"/api/documents/{document.json()['id']}/versions", files=FILE)
    cast.ada.put("/api/user", {"fullName": "Ada L."})
    cast.cora.put(f"/api/organizations/{cast.acme}", {"industry": "Z"})
    response = cast.ada.post("/api/user/undo")
    assert response.status_code == 409 and response.json()["clashes"], response.text
    assert response.json()["clashes"][0]["entity"] == "documents"


def test_a_preview_counts_the_records_and_names_their_organizations(cast: Cast) -> None:
    ids = tree(cast)
    extra = cast.ada.made("/api/organizations", name="Extra", type="other")["id"]
    cast.ada.made("/api/tasks", title="T", organizationId=extra)
    lines = [{"method": "DELETE", "path": f"/organizations/{id}"} for id in (ids["top"], extra)]
    bulk(cast.ada, *(json.dumps(line).encode() + b"\n" for line in lines))
    operation = last(cast)["id"]
    path = f"/api/operations/{operation}/undo"
    found = cast.ada.get(path).json()
    kinds = {(kind["entity"], kind["action"]): kind["records"] for kind in found["kinds"]}
    assert kinds["organizations", "delete"] == 2 and kinds["tasks", "delete"] == 4
    assert found["records"] == sum(kinds.values())
    assert found["operationId"] == operation and found["passedOver"] == 0
    part = cast.ada.get(f"{path}?record=organizations/{extra}").json()
    assert (part["records"], part["organizations"]) == (2, 1)
    made = cast.ada.post(f"{path}?record=organizations/{extra}").json()
    assert made["records"] == part["records"]
    rest = cast.ada.get(path).json()
    assert rest["records"] == found["records"] - part["records"]
    assert rest["passedOver"] == part["records"]
    undone = undo(cast.ada, operation).json()
    assert (undone["passedOver"], undone["records"]) == (part["records"], rest["records"])


def test_a_preview_names_organizations_that_the_viewer_sees_alone(cast: Cast) -> None:
    tasks = [
        cast.cora.made("/api/tasks", title="T", organizationId=id)["id"]
        for id in (cast.acme, cast.globex)
    ]
    lines = [{"method": "PUT", "path": f"/tasks/{id}", "body": {"title": "U"}} for id in tasks]
    bulk(cast.cora, *(json.dumps(line).encode() + b"\n" for line in lines))
    path = f"/api/operations/{last(cast, 'cora')['id']}/undo"
    found = cast.cora.get(path).json()
    assert [each["id"] for each in found["named"]] == [cast.acme, cast.globex]
    assert (found["records"], found["organizations"]) == (2, 2)
    found = cast.stan.get(path).json()
    assert [each["id"] for each in found["named"]] == [cast.acme]
    assert (found["records"], found["organizations"]) == (1, 1)
    assert cast.olga.get(path).status_code == 404
