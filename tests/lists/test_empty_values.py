"""Sorting by what may be empty, and the way through every list and back."""

from typing import Any

import pytest

from retainer.routes import ROUTES
from support.cast import Cast, Person
from support.lists import linked
from support.samples import SAMPLES, path_of

LISTS = [route for route in ROUTES if route.lists]
MOST = 12  # rows that are walked through


def walked(person: Person, path: str, way: str = "next") -> list[list[Any]]:
    """The pages from here on, as they are read."""
    pages: list[list[Any]] = []
    answer = person.get(path)
    while True:
        assert answer.status_code == 200, (path, answer.text)
        pages.append(answer.json())
        if way not in linked(answer) or len(pages) > MOST:
            return pages
        path = linked(answer)[way]
        answer = person.get(path)


def furnish(cast: Cast) -> None:
    """Records with and without a value of each field that may be empty."""
    for number, (industry, day) in enumerate(
        [("Retail", "2026-02-01"), (None, None), ("Energy", "2026-01-31"), (None, None)]
    ):
        cast.ada.made("/api/organizations", name=f"O{number % 2}", type="other", industry=industry)
        cast.ada.made(
            "/api/contacts",
            fullName=f"P{number % 2}",
            email=f"p{number}@example.com",
            type="client",
            company=industry,
        )
        cast.ada.made(
            "/api/projects",
            organizationId=cast.acme,
            title=f"J{number % 2}",
            startDate=day,
            dueDate=day,
        )
        cast.ada.made("/api/tasks", organizationId=cast.acme, title=f"T{number}", dueDate=day)
    cast.sql.rows(
        "UPDATE users SET last_login_at = now() - id % 5 * interval '1 day' FROM"
        " (SELECT set_config('retainer.tenant', $2, true),"
        " acting_as(NULL, 'command', 'command', NULL, 'test')) acting"
        " WHERE tenant_id = $1 AND id % 2 = 0",
        cast.tenant,
        str(cast.tenant),
    )


NULLABLE = {
    (route.path, name)
    for route in LISTS
    for name, field in route.lists.fields.items()
    if field.sort and field.nullable
}


def test_the_sorts_by_what_may_be_empty_are_known() -> None:
    assert {
        ("/organizations", "industry"),
        ("/contacts", "company"),
        ("/projects", "dueDate"),
        ("/projects", "startDate"),
        ("/tasks", "dueDate"),
        ("/users", "lastLoginAt"),
    } <= NULLABLE
    assert all(
        route.lists.fields[name].absent for route in LISTS for path, name in NULLABLE
        if route.path == path
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("route", LISTS, ids=lambda route: route.name)
def test_every_sort_leads_through_its_list_and_back_with_empty_values_last(
    cast: Cast, route: Any
) -> None:
    furnish(cast)
    path = path_of(route, SAMPLES[route.name][0](cast))
    for name in route.lists.sorts:
        for sort in (name, f"-{name}", f"type,-{name}" if "type" in route.lists.sorts else name):
            whole = cast.ada.get(f"{path}?sort={sort}").json()
            values = [row[name] for row in whole]
            if not sort.startswith("type"):
                empty = [value is None for value in values]
                assert empty == sorted(empty), (sort, values)
            pages = walked(cast.ada, f"{path}?sort={sort}&limit=1")
            assert [row for page in pages for row in page] == whole[: len(pages)], sort
            if len(whole) <= MOST and len(whole) > 1:
                assert len(pages) == len(whole), sort
                last = f"{path}?sort={sort}&limit=1"
                for _ in range(len(whole) - 1):
                    last = linked(cast.ada.get(last))["next"]
                back = walked(cast.ada, last, "prev")
                assert back == pages[::-1], sort


def test_a_stream_puts_empty_values_last_too(many: Cast) -> None:
    """More rows than one statement reads, most of them without an industry."""
    for sort in ("industry", "-industry"):
        rows = many.ada.get(f"/api/organizations?sort={sort}&fields=id,industry").json()
        empty = [row["industry"] is None for row in rows]
        assert empty == sorted(empty)
        assert len({row["id"] for row in rows}) == len(rows) == 1302
        filled = [row["industry"] for row in rows if row["industry"]]
        assert filled == sorted(filled, reverse=sort.startswith("-"))
