"""The declarations of nouns: one that lacks a part refuses to start, by name."""

from dataclasses import replace
from typing import Any

import pytest

from retainer import permissions
from retainer.lists.noun import Menu, New, Permits, check
from retainer.nouns import NOUNS

ACTIVITIES = NOUNS["activities"]


def checked(**changes: Any) -> None:
    """The nouns, activities declared otherwise."""
    check(
        [
            *(noun for noun in NOUNS.values() if noun is not ACTIVITIES),
            replace(ACTIVITIES, **changes),
        ]
    )


def test_the_nouns_are_whole() -> None:
    check(NOUNS.values())
    assert len(NOUNS) > 8


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title": ""}, "has no title"),
        ({"alias": "x"}, "has the alias x, its list another"),
        ({"table": "field_notes"}, "is not called one word of small letters"),
        ({"new": New("activity", "Note", "notes.write")}, "names the permission notes.write"),
        ({"page": ""}, "is found or has views, but no page"),
        ({"belongs_to": "projects"}, "belongs to projects, but refers to it by no column"),
        ({"references": {"organization_id": "firms"}}, "refers to firms, which is no noun"),
        ({"references": {"firm_id": "organizations"}}, "refers by firm_id, which Activity does not have"),
        ({"told_by": "contact_id"}, "is told by contact_id, which refers to nothing"),
        ({"permissions": Permits("activities.edit", "activities.delete")}, "names the permission activities.edit"),
    ],
)  # fmt: skip
def test_a_noun_that_lacks_a_part_refuses_to_start_by_name(
    changes: dict[str, Any], words: str
) -> None:
    name = changes.get("table", "activities")
    with pytest.raises(ValueError, match=f"the noun {name} {words}"):
        checked(**changes)


def test_two_nouns_of_one_alias_refuse_to_start() -> None:
    with pytest.raises(ValueError, match="has the alias a, as notes have"):
        check([*NOUNS.values(), replace(ACTIVITIES, table="notes")])


def test_a_noun_without_a_line_of_who_sees_it_refuses_to_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(permissions.VISIBLE, "activities")
    with pytest.raises(ValueError, match="the noun activities has no line in permissions"):
        check(NOUNS.values())


def test_a_noun_of_the_sidebar_without_a_permission_to_read_it_refuses_to_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(permissions.PERMISSIONS, "activities.read")
    with pytest.raises(ValueError, match=r"names the permission activities\.read"):
        checked(menu=Menu("activity", "Log", "g l"))


def test_a_line_without_a_noun_refuses_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(permissions.VISIBLE, "firms", {"all": "true"})
    with pytest.raises(ValueError, match=r"permissions\.py has lines of firms"):
        check(NOUNS.values())
