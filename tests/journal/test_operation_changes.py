"""The changes of an operation: the first of them on it, all of them as a list."""

import re
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from retainer.routes import ROUTES
from support.cast import Cast
from support.journal import last
from support.lists import linked
from support.pages.sitemap import get
from support.samples import bulk, line

MANY = 230
MORE = {"hx-request": "true", "hx-target": "li#more"}


def many(cast: Cast) -> int:
    """An operation that made a contact and many tasks, one of them where Stan does not see it."""
    contact = {"fullName": "Kim", "email": "kim@example.com", "type": "client"}
    homes = [cast.globex] + [cast.acme] * (MANY - 2)
    tasks = [line("POST", "/tasks", {"title": "T", "organizationId": home}) for home in homes]
    answer = bulk(cast.ada, *tasks, line("POST", "/contacts", contact))
    assert answer.status_code == 200, answer.text
    found: int = last(cast)["id"]
    return found


def test_an_operation_has_the_first_of_its_changes_and_a_list_has_all(cast: Cast) -> None:
    path = f"/api/operations/{many(cast)}"
    operation = cast.ada.get(path).json()
    assert (operation["records"], len(operation["changes"])) == (MANY, 200)
    rows: list[Any] = []
    answer = cast.ada.get(f"{path}/changes?limit=100")
    while True:
        rows += answer.json()
        if "next" not in linked(answer):
            break
        answer = cast.ada.get(linked(answer)["next"])
    assert [row["sequence"] for row in rows] == list(range(1, MANY + 1))
    assert rows[:200] == operation["changes"]
    assert cast.ada.get(f"{path}/changes").json() == rows
    lines = cast.ada.get(f"{path}/changes", headers={"Accept": "application/x-ndjson"})
    assert [msgspec.json.decode(each) for each in lines.text.splitlines()] == rows


def test_the_changes_of_an_operation_are_filtered_and_sorted(cast: Cast) -> None:
    path = f"/api/operations/{many(cast)}/changes"
    (contact,) = cast.ada.get(f"{path}?entity=contacts").json()
    assert (contact["sequence"], contact["action"]) == (MANY, "insert")
    assert cast.ada.get(f"{path}?entityId={contact['entityId']}&entity=contacts").json() == [
        contact
    ]
    assert cast.ada.get(f"{path}?sort=-sequence&limit=1").json() == [contact]
    assert cast.ada.get(f"{path}?sequence:gt={MANY - 1}&fields=sequence").json() == [
        {"sequence": MANY}
    ]
    assert cast.ada.get(f"{path}?action=delete").json() == []
    assert cast.ada.get(f"{path}?action=gone").status_code == 422
    answer = cast.ada.get(f"{path}?action=insert&count=exact&limit=1")
    assert answer.headers["x-total-count"] == str(MANY)
    table = cast.ada.get(f"{path}?limit=1", headers={"Accept": "text/csv"})
    assert 'filename="changes.csv"' in table.headers["content-disposition"]


def test_the_changes_of_an_operation_are_those_that_the_viewer_sees(cast: Cast) -> None:
    operation = many(cast)
    path = f"/api/operations/{operation}"
    seen = cast.stan.get(f"{path}/changes").json()
    assert [row["sequence"] for row in seen] == list(range(2, MANY))
    assert cast.stan.get(path).json()["changes"] == seen[:200]
    assert cast.stan.get(path).json()["records"] == len(seen)
    assert cast.stan.get(f"{path}/changes?sequence=1").json() == []
    assert cast.sam.get(f"{path}/changes").status_code == 404
    assert cast.olga.get(f"{path}/changes").status_code == 404
    assert cast.gita.get(f"{path}/changes").status_code == 404
    assert cast.ada.get(f"/api/operations/{operation + 1000}/changes").status_code == 404


def test_the_page_of_an_operation_leads_on_to_all_its_changes(cast: Cast) -> None:
    path = f"/operations/{many(cast)}"
    first = get(cast.ada, path).text
    assert f"{MANY} changes" in first
    assert len(re.findall(r'id="change-\d+"', first)) == 50
    assert "Undo all of it" in first
    places, part = re.findall(r'id="change-(\d+)"', first), first
    while more := re.search(r'hx-get="(/operations/\d+\?cursor=[^"]+)"', part):
        part = get(cast.ada, more[1], **MORE).text
        assert "Undo all of it" not in part
        places += re.findall(r'id="change-(\d+)"', part)
    assert places == [str(n) for n in range(1, MANY + 1)]
    assert len(re.findall(r'name="change"', part)) == len(re.findall(r'id="change-', part))


# The arrays in an answer of one record, each with what bounds it.
BOUNDED = {
    "ImportRow.values": "the columns of a file, 500 at most",
    "ImportRow.changes": "the fields of a record",
    "ImportRow.problems": "the columns of a file",
    "ImportRow.candidates": "MOST_CANDIDATES of exchange/imports/plan.py",
    "Candidate.reasons": "as many as there are ways to be alike",
    "FoundColumn.samples": "SAMPLES of exchange/imports/job.py",
    "Found.columns": "the columns of a file, 500 at most",
    "Found.sheets": "MOST_SHEETS of exchange/imports/job.py",
    "Activity.contact_ids": "at most 50 in a body",
    "OperationDetails.changes": "MAX_SHOWN of journal/store.py",
    "RecordChange.changes": "the fields of a record",
    "UndoPreview.named": "MAX_NAMED of undo_preview.py",
    "UndoPreview.kinds": "nouns times what can be done to them",
}


def arrays(model: type[msgspec.Struct], seen: set[type]) -> set[str]:
    """The names of the arrays in a model without a greatest length, and in those inside it."""
    found: set[str] = set()
    for name, hint in get_type_hints(model, include_extras=True).items():
        found |= _in_hint(f"{model.__name__}.{name}", hint, seen)
    return found


def _in_hint(name: str, hint: Any, seen: set[type]) -> set[str]:
    found: set[str] = set()
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct) and hint not in seen:
        seen.add(hint)
        return arrays(hint, seen)
    limits = [each for each in get_args(hint) if isinstance(each, msgspec.Meta)]
    inner = get_args(hint)[0] if limits else hint
    if get_origin(inner) is list and not any(limit.max_length for limit in limits):
        found.add(name)
    for each in get_args(inner) if limits else get_args(hint):
        found |= _in_hint(name, each, seen)
    return found


def test_no_record_has_an_array_that_grows_without_bound() -> None:
    found: set[str] = set()
    for route in ROUTES:
        model = route.response_type
        if isinstance(model, type) and issubclass(model, msgspec.Struct):
            found |= arrays(model, set())
    assert found <= BOUNDED.keys()
