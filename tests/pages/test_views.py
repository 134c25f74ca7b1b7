"""Saved views as pages and forms."""

import re

from retainer.pages.assets import icon
from retainer.pages.navigation import SECTIONS
from retainer.records.views.store import LISTS
from support.cast import Cast
from support.pages.accounts import followed, toast
from support.pages.sitemap import check, get, post


def test_a_view_is_saved_shown_changed_and_deleted(cast: Cast) -> None:
    address = "/organizations?status:in=active&sort=-updatedAt"
    bar = get(cast.cora, address).text
    dialog = re.findall(r'href="(/views/new[^"]*)"', bar)[0].replace("&amp;", "&")
    form = get(cast.cora, dialog)
    check(form.text)
    assert "Status active · sorted by updated at, downwards" in form.text
    query = re.findall(r'name="query" value="([^"]*)"', form.text)[0].replace("&amp;", "&")
    made = post(
        cast.cora, "/views", noun="organizations", query=query, name="Ours", isShared="true"
    )
    page = followed(cast.cora, made)
    assert (made.headers["location"], toast(page.text)) == (address, "Saved the view Ours")
    assert "/undo" in page.text
    assert "Rename view" in page.text
    assert "Save view" not in page.text and "Update view" not in page.text, "nothing was changed"
    id = int(re.findall(r'href="/views/(\d+)"', page.text)[0])
    twice = post(cast.cora, "/views", noun="organizations", query="", name="OURS")
    assert (twice.status_code, 'value="OURS"' in twice.text) == (409, True)
    assert "already the name of another view" in twice.text
    changed = post(cast.cora, f"/views/{id}", name="Ours, by name", isShared="false")
    assert cast.cora.get(f"/api/views/{id}").json() | {
        "name": "Ours, by name",
        "isShared": False,
    } == (cast.cora.get(f"/api/views/{id}").json())
    assert changed.headers["location"] == address
    other = get(cast.cora, "/views/new?noun=organizations&query=type%3Dvendor").text
    assert f'action="/views/{id}"' in other and "Update view Ours, by name" in other
    moved = post(cast.cora, f"/views/{id}", query="type=vendor")
    assert moved.headers["location"] == "/organizations?type=vendor"
    gone = post(cast.cora, f"/views/{id}/delete", back=address)
    assert gone.headers["location"] == address
    assert toast(followed(cast.cora, gone).text) == "Deleted the view Ours, by name"
    assert cast.cora.get(f"/api/views/{id}").status_code == 404


def test_a_view_in_the_sidebar_has_the_icon_and_the_name_of_its_list(cast: Cast) -> None:
    nouns = list(LISTS)
    for noun in nouns:
        post(cast.cora, "/views", noun=noun, query="", name=f"All {noun}")
    page = get(cast.cora, "/search").text
    for noun in nouns:
        section = next(one for one in SECTIONS if one.path == f"/{noun}")
        words = f'<span class="sr">{section.name}: </span><span>All {noun}</span>'
        entries = [link for link in re.findall(r"<a [^>]*>.*?</a>", page, re.S) if words in link]
        assert len(entries) == 2, "of the sidebar, and of More on a phone"
        assert all(icon(section.icon) in entry for entry in entries), noun


def test_a_view_form_offers_no_undo_that_would_be_refused(cast: Cast) -> None:
    made = post(cast.gita, "/views", noun="tasks", query="status=todo", name="Mine")
    page = followed(cast.gita, made).text
    assert toast(page) == "Saved the view Mine"
    assert "/undo" not in page


def test_a_broken_view_is_refused_in_words(cast: Cast) -> None:
    broken = post(cast.cora, "/views", noun="organizations", query="colour=red", name="Red")
    assert broken.status_code == 422
    assert "colour" in broken.text
    assert get(cast.cora, "/views/new?noun=nothing").status_code == 404
    assert post(cast.cora, "/views", noun="nothing", name="x").status_code == 404
    unnamed = post(cast.cora, "/views", noun="organizations", query="type=vendor", name=" ")
    assert 'id="error-name"' in unnamed.text
    assert 'value="type=vendor"' in unnamed.text


def test_a_shared_view_is_changed_by_its_owner_and_administrators(cast: Cast) -> None:
    id = cast.cora.made(
        "/api/views", noun="tasks", name="All of ours", query="status=todo", isShared=True
    )["id"]
    theirs = get(cast.stan, "/views").text
    assert "All of ours" in theirs
    assert "Shared by Cora" in theirs
    assert f"/views/{id}/delete" not in theirs
    assert get(cast.stan, f"/views/{id}").status_code == 403
    assert post(cast.stan, f"/views/{id}", name="Mine").status_code == 403
    assert "All of ours" not in get(cast.gita, "/views").text
    assert f"/views/{id}/delete" in get(cast.ada, "/views").text
    assert "Share it" not in get(cast.gita, "/views/new?noun=tasks&query=").text
    assert post(cast.ada, f"/views/{id}", name="The consultancy's").status_code == 303
