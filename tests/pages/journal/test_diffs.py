"""The words for changes and operations: pure functions."""

from typing import Any

import pytest

from retainer.journal.model import FieldChange
from retainer.pages.journal.diffs import Piece, lines, word_diff
from retainer.pages.journal.sentences import Group, sentence


def edits(pieces: list[Piece]) -> str:
    return " ".join(f"{piece.edit}:{piece.text.strip()}" for piece in pieces)


def test_texts_are_compared_by_the_word() -> None:
    assert edits(word_diff("a b c", "a x c")) == "same:a del:b ins:x same:c"
    many = " ".join(f"w{n}" for n in range(60))
    changed = edits(word_diff(many, many.replace("w30 ", "")))
    assert (
        changed
        == "cut:… same:w22 w23 w24 w25 w26 w27 w28 w29 del:w30 same:w31 w32 w33 w34 w35 w36 w37 w38 cut:…"
    )
    huge = "word " * 20_000
    assert [piece.edit for piece in word_diff(huge, huge + "more")] == ["del", "ins"], (
        "beyond, the whole is told"
    )
    assert max(len(piece.text) for piece in word_diff(huge, huge + "more")) < 2000


@pytest.mark.parametrize(
    ("change", "described"),
    [
        (("industry", None, "Energy"), [("Industry", "ins:Energy")]),
        (("industry", "Energy", None), [("Industry", "del:Energy")]),
        (("isActive", True, False), [("Is active", "del:yes ins:no")]),
        (("status", "on_hold", "active"), [("Status", "del:On hold ins:Active")]),
        (("ownerId", 1, 2), [("Owner", "del:Cora ins:user 2")]),
        (("externalId", None, "A1"), [("External id", "ins:A1")]),
        (("tags", ["a", "b"], ["b", "a"]), [("Tags", "same:in another order")]),
        (("tags", ["a"], None), [("Tags", "del:a")]),
        (("metadata", {"a": 1, "b": {"c": [1]}}, {"b": {"c": [2]}}),
         [("Metadata · a", "del:1"), ("Metadata · b", "del:c: [1] ins:c: [2]")]),
        (("metadata", None, {"a": None}), []),
    ],
)  # fmt: skip
def test_changed_fields_are_described_in_words(
    change: tuple[str, Any, Any], described: list[tuple[str, str]]
) -> None:
    field, before, after = change
    found = lines([FieldChange(field, before, after)], {("users", 1): "Cora"})
    assert [(line.label, edits(line.pieces)) for line in found] == described


def group(
    entity: str, action: str, alike: int = 1, id: int = 7, fields: tuple[str, ...] = ()
) -> Group:
    changes = [FieldChange(name, None, "completed") for name in fields]
    return Group(5, entity, id, alike, action, 1, changes)


@pytest.mark.parametrize(
    ("groups", "described", "href"),
    [
        ([group("organizations", "delete"), group("tasks", "delete", 3)],
         "deleted organization 7 with all that belongs to it", "/operations/5"),
        ([group("organizations", "update", 12, fields=("status",))],
         "changed status of 12 organizations", "/operations/5"),
        ([group("contacts", "insert"), group("members", "insert")], "added Ann to Acme", "/organizations/1/members"),
        ([group("members", "delete")], "removed Ann from Acme", "/organizations/1/members"),
        ([group("tasks", "update", fields=("status",))], "completed task 7 at Acme", "/tasks/7"),
        ([group("projects", "update", fields=("title", "dueDate", "status", "audience"))],
         "changed title, due date and 2 more fields of project 7 at Acme", "/projects/7"),
        ([group("activities", "insert")], "logged activity 7 at Acme", "/organizations/1/activities"),
        ([group("documents", "insert"), group("documentVersions", "insert"), group("documentProjects", "insert", 2)],
         "added document 7 at Acme", "/documents/7"),
        ([group("projects", "delete"), group("tasks", "delete", 3)],
         "deleted project 7 at Acme with all that belongs to it", "/operations/5"),
        ([group("activities", "insert"), group("activityContacts", "insert")],
         "logged activity 7 at Acme", "/organizations/1/activities"),
        ([group("views", "insert", id=8)], "added the view Partners at Acme", "/operations/5"),
        ([group("views", "update", id=8, fields=("name",))], "changed name of the view Partners at Acme", "/operations/5"),
        ([group("views", "delete", 3, id=8)], "deleted 3 views", "/operations/5"),
        ([group("newcomers", "insert")], "added newcomer 7 at Acme", "/operations/5"),
    ],
)  # fmt: skip
def test_operations_are_described_in_sentences(
    groups: list[Group], described: str, href: str
) -> None:
    titles = {("organizations", 1): "Acme", ("contacts", 7): "Ann", ("views", 8): "Partners"}
    found = sentence(5, groups, titles)
    assert f"{found.done} {found.name}{found.more}" == described
    assert found.href == href
