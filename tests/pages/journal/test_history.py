"""The history tab: diffs, filters and undo."""

import re

from support.cast import Cast
from support.pages.organizations import plain, tab, toast_of
from support.pages.sitemap import get, post


def test_the_history_tab_shows_diffs(cast: Cast) -> None:
    long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    path = f"/api/organizations/{cast.acme}"
    cast.ada.put(
        path, {"description": long, "metadata": {"region": "EU", "size": 3}, "tags": ["a", "b"]}
    )
    changed = {
        "description": long.replace("two", "zwei"),
        "metadata": {"region": "US", "size": 3},
        "tags": ["b", "c"],
    }
    cast.cora.put(path, changed | {"status": "archived", "ownerId": cast.cora.id})
    text = get(cast.ada, tab(cast, "history")).text
    assert "<del>Active</del> → <ins>Archived</ins>" in text
    assert "<del>two </del><ins>zwei </ins>" in text, "long texts by the word"
    assert "<span>… </span>" in text, "what is far from a change is left out"
    assert "<del>EU</del> → <ins>US</ins>" in text, "objects by the key"
    assert "size" not in text.partition("<dt>Metadata · region</dt>")[2].partition("</dl>")[0]
    assert "<del>a</del> → <ins>c</ins>" in text
    assert "<ins>Cora</ins>" in text, "people by their names"
    assert "Cora changed" in plain(text)
    assert "through the API" in text


def test_the_history_tab_is_filtered_by_person_and_time(cast: Cast) -> None:
    cast.cora.put(f"/api/organizations/{cast.acme}", {"industry": "Energy"})
    everything = get(cast.ada, tab(cast, "history")).text
    assert everything.count('<li id="change-') == 4
    assert (
        get(cast.ada, tab(cast, "history") + f"?actorId={cast.cora.id}").text.count(
            '<li id="change-'
        )
        == 1
    )
    nothing = get(cast.ada, tab(cast, "history") + "?until=2020-01-01").text
    assert "Nothing was changed then" in nothing
    assert 'value="2020-01-01"' in nothing
    assert get(cast.ada, tab(cast, "history") + "?since=never").status_code == 422


def test_the_history_tab_offers_undo_only_where_it_is_allowed(cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"industry": "Energy"})
    (action,) = re.findall(
        r'action="(/operations/\d+/undo)"', get(cast.cora, tab(cast, "history") + "?limit=1").text
    )
    assert (
        re.findall(r'action="(/operations/\d+/undo)"', get(cast.stan, tab(cast, "history")).text)
        == []
    )
    answer = post(cast.cora, action, back=tab(cast, "history"))
    assert answer.headers["location"] == tab(cast, "history")
    words, redo = toast_of(answer)
    assert words == "Undid changing industry of Acme Corporation"
    text = get(cast.cora, tab(cast, "history")).text
    assert "Undone" in text
    assert "by undoing" in text
    assert f"/operations/{redo}/undo" in text, "and can be had again"
