"""Totals of long lists: an estimate of PostgreSQL's, remembered for a moment."""

import pytest

from retainer.pages import list_page
from support.cast import Cast, Person
from support.in_process import InProcess

HTML = {"Accept": "text/html"}


def test_an_estimate_is_remembered_for_its_viewer_and_list_until_something_changes(
    cast: Cast, inside: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the statements of the page: a count, and PostgreSQL's plan."""
    monkeypatch.setattr(list_page, "EXACT_COUNT_LIMIT", 0)
    monkeypatch.setattr(list_page, "REMEMBER_SECONDS", 10**9)

    def statements(person: Person = cast.ada, query: str = "") -> int:
        status, sent = inside.send(person, "GET", f"/organizations{query}", headers=HTML)
        assert status == 200
        return sent

    statements()
    remembered = statements()
    patched, _ = inside.send(
        cast.ada, "PUT", f"/api/organizations/{cast.acme}", {"industry": "Trade"}
    )
    assert patched == 200
    assert [statements() - remembered for _ in range(3)] == [2, 0, 0]
    assert [statements(query="?status=active") - remembered for _ in range(2)] == [2, 0]
    assert [statements(query="?sort=-name") - remembered for _ in range(2)] == [0, 0]
    statements(cast.olga)
    first = statements(cast.cora)
    assert (first - statements(cast.cora), statements()) == (2, remembered)


def test_the_total_of_a_short_list_is_counted_each_time(cast: Cast, inside: InProcess) -> None:
    counts = [inside.send(cast.ada, "GET", "/organizations", headers=HTML)[1] for _ in range(3)]
    assert counts[1] == counts[2]
