"""The declarations of nouns: one that lacks a part refuses to start, by name."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from retainer import permissions
from retainer.database.statement import Statement
from retainer.http.routing import Route
from retainer.journal.store import HISTORY
from retainer.lists.checks import check, check_routes
from retainer.lists.noun import Menu, New, Permits
from retainer.lists.spec import Field, FieldType, ListSpec
from retainer.nouns import NOUNS
from retainer.pages.form import Field as FormField
from retainer.pages.form import Fields
from retainer.pages.navigation import check_icons
from retainer.records.activities import store
from retainer.routes import PAGES, ROUTES

ACTIVITIES = NOUNS["activities"]
SEARCH = ACTIVITIES.search
assert SEARCH


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
        ({"belongs_to": ""}, "refers to organizations, but says neither belongs_to nor cascade"),
        ({"title": "name"}, "is searched by title_folded, not by name_folded"),
        ({"search": SEARCH._replace(words=("notes",))}, "is searched by notes, which Activity does not have"),
        ({"search": SEARCH._replace(texts={"notes": "a.text"})}, "highlights notes, which Activity does not have"),
        ({"subject_column": "contact_id"}, "has the subject column contact_id, which refers to nothing"),
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


def test_a_noun_without_a_line_in_visible_refuses_to_start(
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


# Parts that the routes, the store and the pages lack


def changed(name: str, **changes: Any) -> list[Route]:
    """All routes, one of them declared otherwise."""
    routes = [*ROUTES, *PAGES]
    return [
        msgspec.structs.replace(route, **changes) if route.name == name else route
        for route in routes
    ]


def test_a_field_that_the_creation_would_drop_refuses_to_start() -> None:
    forgetful = replace(ACTIVITIES, create=Statement("INSERT INTO activities SELECT :kind, :text"))
    with pytest.raises(ValueError, match="the noun activities drops happened_at of ActivityCreate"):
        check_routes([forgetful], [*ROUTES, *PAGES])
    with pytest.raises(ValueError, match="its declaration names no create"):
        check_routes([replace(ACTIVITIES, create=None)], [*ROUTES, *PAGES])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": None}, "lists no text, as ListedActivity has"),
        ({"colour": Field("a.colour")}, "lists colour, which ListedActivity lacks"),
        ({"id": None, "kind": None}, "lists no id, as ListedActivity has"),
    ],
)
def test_a_list_of_other_fields_than_its_answer_refuses_to_start(
    fields: dict[str, Any], words: str
) -> None:
    merged = store.LIST.fields | fields
    kept = {name: field for name, field in merged.items() if field}
    other = ListSpec("activities a", "true", kept, order="-happenedAt", id="a.id")
    with pytest.raises(ValueError, match=f"GET /activities {words}"):
        check_routes([], changed("listActivities", lists=other))


def test_a_list_in_another_order_than_its_answer_refuses_to_start() -> None:
    turned = dict(reversed(store.LIST.fields.items()))
    other = ListSpec("activities a", "true", turned, order="-happenedAt", id="a.id")
    with pytest.raises(ValueError, match="the fields of ListedActivity in another order"):
        check_routes([], changed("listActivities", lists=other))


def test_an_answer_of_a_list_without_a_list_refuses_to_start() -> None:
    with pytest.raises(ValueError, match="GET /activities answers a list"):
        check_routes([], changed("listActivities", lists=None))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"menu": Menu("activity", "Log", "g l")}, "/activities"),
        ({"page": "/activities/{id}"}, "/activities/{id}"),
    ],
)
def test_a_noun_without_a_page_that_it_promises_refuses_to_start(
    changes: dict[str, Any], path: str
) -> None:
    pages = [route for route in PAGES if route.path != path]
    with pytest.raises(ValueError, match=f"the noun activities has no page {path}"):
        check_routes([replace(ACTIVITIES, **changes)], [*ROUTES, *pages])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("createActivity", "POST /activities"),
        ("listActivityHistory", "GET /activities/{id}/history"),
    ],
)
def test_a_noun_without_a_route_that_it_promises_refuses_to_start(name: str, words: str) -> None:
    routes = [route for route in ROUTES if route.name != name]
    assert len(routes) == len(ROUTES) - 1
    with pytest.raises(ValueError, match=f"the noun activities has no route {words}"):
        check_routes([ACTIVITIES], [*routes, *PAGES])


def test_a_sort_by_a_nullable_field_is_refused_by_name() -> None:
    for field in (
        Field("a.colour", FieldType.TEXT, sort="a.colour", nullable=True),
        Field("a.colour", FieldType.FOLDED, "a.key", sort="a.key", nullable=True),
        Field("a.colour", FieldType.FOLDED, "a.key", sort="a.colour", nullable=True, absent="'z'"),
    ):
        with pytest.raises(ValueError, match="the list of activities sorts by colour"):
            ListSpec("activities a", "true", {"colour": field}, order="id", id="a.id")


def test_a_sort_key_has_the_type_of_its_field() -> None:
    assert Field("a.day", FieldType.DATE, sort="a.day").sort_type == "date"
    assert Field("a.kind", FieldType.WORD, sort="a.kind").sort_type == "text"


def test_a_statement_of_a_noun_that_nobody_is_said_to_see_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ValueError, match=r"permissions\.VISIBLE does not say which firms"):
        Statement("SELECT FROM firms f WHERE @visible_firms")
    monkeypatch.setitem(permissions.VISIBLE, "firms", {"all": "true"})
    with pytest.raises(ValueError, match="which firms the scope own sees"):
        Statement("SELECT FROM firms f WHERE @visible_firms")


def test_a_history_that_no_noun_has_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="the noun views has no history"):
        HISTORY["views"]


def test_an_icon_that_does_not_exist_refuses_to_start() -> None:
    with pytest.raises(ValueError, match="the noun activities names the icon quill"):
        check_icons([replace(ACTIVITIES, new=New("quill", "Note", "activities.write"))])


def test_a_field_of_a_form_that_takes_an_unknown_permission_is_refused() -> None:
    with pytest.raises(ValueError, match=r"field text names the permission notes\.write"):
        Fields(FormField("text", "Text", permission="notes.write"))
