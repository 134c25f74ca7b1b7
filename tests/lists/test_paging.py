"""Paging during writes: no lasting row is missed or repeated, in any sort and direction."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from retainer.routes import ROUTES
from support.cast import Cast
from support.lists import linked
from support.nouns import WITH_HISTORY

# For each list: what is made there, with few different values, so that most sort keys are equal.
FEW = st.sampled_from(["a", "A", "b", "Ä"])
DATES = st.sampled_from([None, "2026-01-31", "2026-02-01"])

MADE: dict[str, Any] = {
    "organizations": st.fixed_dictionaries(
        {"name": FEW, "type": st.sampled_from(["customer", "other"]), "industry": st.none() | FEW}
    ),
    "contacts": st.fixed_dictionaries(
        {"fullName": FEW, "type": st.just("client"), "company": st.none() | FEW}
    ),
    "projects": st.fixed_dictionaries(
        {
            "title": FEW,
            "dueDate": DATES,
            "startDate": st.none(),
            "status": st.sampled_from(["active", "planned"]),
        }
    ),
    "tasks": st.fixed_dictionaries(
        {
            "title": FEW,
            "dueDate": DATES,
            "order": st.integers(0, 1),
            "priority": st.sampled_from(["low", "high"]),
        }
    ),
    "documents": st.fixed_dictionaries({"name": FEW, "url": st.just("https://x.example")}),
    "activities": st.fixed_dictionaries(
        {
            "text": FEW,
            "kind": st.sampled_from(["call", "note"]),
            "happenedAt": st.sampled_from(["2026-01-31T09:30:00Z", "2026-02-01T00:00:00Z"]),
        }
    ),
}
assert MADE.keys() == set(WITH_HISTORY)  # a new noun stands here too

SORTS = {
    route.path.strip("/"): route.lists.sorts
    for route in ROUTES
    if route.lists and route.path.strip("/") in MADE and route.method == "GET"
}

CHANGES = st.sampled_from(["insert", "update", "delete"])


@st.composite
def journeys(draw: Any) -> dict[str, Any]:
    """A list, a sort, a way, and what others do between the pages."""
    noun = draw(st.sampled_from(sorted(MADE)))
    some = draw(st.lists(st.sampled_from(SORTS[noun]), min_size=1, max_size=3, unique=True))
    return {
        "noun": noun,
        "sort": ",".join(("-" if draw(st.booleans()) else "") + name for name in some),
        "limit": draw(st.integers(1, 4)),
        "is_backward": draw(st.booleans()),
        "lasting": draw(st.lists(MADE[noun], min_size=1, max_size=9)),
        "passing": draw(st.lists(MADE[noun], min_size=1, max_size=5)),
        "changes": draw(st.lists(st.tuples(CHANGES, MADE[noun], st.integers(0, 99)), max_size=12)),
    }


class Journey:
    """One walk through a list, with the changes that others make after each page."""

    def __init__(self, cast: Cast, plan: dict[str, Any]) -> None:
        self.cast, self.plan, self.noun = cast, plan, plan["noun"]
        self.lasting = [self.make(body) for body in plan["lasting"]]
        self.passing = [self.make(body) for body in plan["passing"]]
        self.changes = list(plan["changes"])

    def make(self, body: dict[str, Any]) -> int:
        if self.noun == "contacts":
            body = body | {
                "email": f"{id(body)}.{len(self.cast.ada.get('/api/contacts').json())}@example.com"
            }
        if self.noun == "projects":
            body = body | {"organizationId": self.cast.acme}
        above = f"organizations/{self.cast.acme}/" if self.noun == "activities" else ""
        return int(self.cast.ada.made(f"/api/{above}{self.noun}", **body)["id"])

    def change(self) -> None:
        """Up to two of the changes, to rows that are not the lasting ones."""
        for kind, body, which in self.changes[:2]:
            if kind == "insert":
                self.passing.append(self.make(body))
            elif self.passing:
                id = self.passing[which % len(self.passing)]
                path = f"/api/{self.noun}/{id}"
                if kind == "delete":
                    self.passing.remove(id)
                    assert self.cast.ada.delete(path).status_code == 204
                else:
                    assert self.cast.ada.put(path, body).status_code == 200
        del self.changes[:2]

    def walk(self, path: str, way: str) -> list[int]:
        """The ids that the pages show, from here on."""
        shown: list[int] = []
        while path:
            answer = self.cast.ada.get(path)
            assert answer.status_code == 200, answer.text
            page = [row["id"] for row in answer.json()]
            assert len(page) <= self.plan["limit"]
            shown = shown + page if way == "next" else page + shown
            assert len(shown) < 200, "it goes round in a circle"
            path = linked(answer).get(way, "")
            self.last = answer
            self.change()
        return shown


@pytest.mark.parametrize("examples", [5, pytest.param(250, marks=pytest.mark.slow)])
def test_paging_during_writes_misses_and_repeats_no_lasting_row(cast: Cast, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(journeys())
    def travels(plan: dict[str, Any]) -> None:
        journey = Journey(Cast(cast.sql, cast.client), plan)
        start = f"/api/{plan['noun']}?limit={plan['limit']}&sort={plan['sort']}"
        if plan["is_backward"]:
            journey.changes, later = [], journey.changes
            journey.walk(start, "next")
            journey.changes = later
            # The last page and all before it.
            shown = [row["id"] for row in journey.last.json()]
            journey.change()
            before = linked(journey.last).get("prev", "")
            shown = (journey.walk(before, "prev") if before else []) + shown
        else:
            shown = journey.walk(start, "next")
        counted = [id for id in shown if id in journey.lasting]
        assert sorted(counted) == sorted(journey.lasting), plan
        alike = journey.cast.ada.get(f"/api/{plan['noun']}?sort={plan['sort']}&fields=id").json()
        assert counted == [row["id"] for row in alike if row["id"] in journey.lasting], (
            "and in their order"
        )

    travels()
