"""The search page and the palette."""

import re

import pytest

from retainer.nouns import NOUNS
from support import samples
from support.cast import Cast, Person
from support.pages.documents import HTML, got, part


def test_the_search_page_groups_hits_and_marks_the_words(cast: Cast) -> None:
    cast.ada.made("/api/projects", organizationId=cast.acme, title="Acme <roll-out>")
    page = got(cast.cora, "/search?q=acme")
    assert "<mark>Acme</mark> Corporation" in page and "<mark>Acme</mark> &lt;roll-out&gt;" in page
    assert page.index(">Organizations</h2>") < page.index(">Projects</h2>")
    assert f'href="/organizations/{cast.acme}"' in page
    assert "Nothing is called or says zzzz" in got(cast.cora, "/search?q=zzzz")
    assert "Search in names" in got(cast.cora, "/search") and "Search in names" in got(
        cast.gita, "/search?q=%20"
    )
    assert "Corporation" not in got(cast.olga, "/search?q=acme")
    assert cast.nobody.get("/search?q=a", headers=HTML, follow_redirects=False).status_code == 303


def test_the_palette_gets_options_without_a_page(cast: Cast) -> None:
    options = part(cast.cora, "/search?q=acme", "results")
    assert "<main" not in options
    assert re.search(
        rf'<div role="option" id="hit-organization-{cast.acme}" data-href="/organizations/{cast.acme}"',
        options,
    )
    assert '<div class="group" role="presentation">Organizations</div>' in options
    assert (
        options.rstrip().endswith("</div>") and "All results for acme" in options.splitlines()[-1]
    )
    assert len(set(re.findall(r'id="([^"]+)"', options))) == options.count("id=")


def test_a_prefix_searches_one_noun_and_a_number_finds_a_record(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Acme roll-out")["id"]
    only = part(cast.cora, "/search?q=project:acme", "results")
    assert "roll-out" in only and "hit-organization" not in only
    assert "Corporation" in part(cast.cora, "/search?q=ORG%3A+acme", "results")
    assert f"/projects/{project}" in part(cast.cora, f"/search?q=%23{project}", "results")
    assert f"/organizations/{cast.acme}" in part(cast.gita, f"/search?q=%23{cast.acme}", "results")
    assert f"/organizations/{cast.acme}" not in part(
        cast.olga, f"/search?q=%23{cast.acme}", "results"
    )
    for odd in (
        "%23",
        "%230",
        "%23999999999999999",
        "org:",
        "x" * 500,
        "%22%3E%3Cb%3E",
        "é%F0%9F%98%80",
    ):
        assert "<b>" not in part(cast.cora, f"/search?q={odd}", "results")


def test_what_was_open_last_is_shown_as_the_viewer_sees_it_today(cast: Cast) -> None:
    task = cast.ada.made("/api/tasks", organizationId=cast.acme, title="Old name")["id"]
    asked = f"/search?recent=tasks/{task},organizations/{cast.globex},organizations/{cast.acme}"
    cast.ada.put(f"/api/tasks/{task}", {"title": "New name"})

    def shown(person: Person) -> list[str]:
        return re.findall(r'data-href="([^"]*)"', part(person, asked, "results"))

    everything = [f"/tasks/{task}", f"/organizations/{cast.globex}", f"/organizations/{cast.acme}"]
    assert shown(cast.ada) == everything
    assert "New name" in part(cast.ada, asked, "results")
    assert "Old name" not in part(cast.ada, asked, "results")
    assert shown(cast.stan) == [everything[0], everything[2]], "none of an organization unseen"
    assert shown(cast.olga) == []
    cast.ada.delete(f"/api/tasks/{task}")
    assert shown(cast.ada) == everything[1:]
    for broken in (
        "",
        "x",
        "tasks",
        "tasks/",
        "tasks/x",
        "users/1",
        "[object Object]",
        "nothing/1",
    ):
        assert part(cast.ada, f"/search?recent={broken}", "results").strip() == ""


MADE = {
    "organizations": samples.organization,
    "contacts": samples.contact,
    "projects": samples.project,
    "tasks": samples.task,
    "documents": samples.link,
    "activities": samples.activity,
    "members": samples.contact,
    "views": samples.view,
    "users": lambda cast: [cast.gita.id],
    "tenants": lambda cast: [cast.tenant],
}
# Nouns that are searched and have a page of their own.
OPENED = {"organizations", "contacts", "projects", "tasks", "documents"}


@pytest.mark.parametrize("noun", NOUNS)
def test_a_record_that_was_open_is_shown_where_its_noun_has_a_page(cast: Cast, noun: str) -> None:
    (id,) = MADE[noun](cast)
    expected = [f"/{noun}/{id}"] if noun in OPENED else []
    for person, shown in ((cast.ada, expected), (cast.olga, [])):
        text = part(person, f"/search?recent={noun}/{id}", "results")
        assert re.findall(r'data-href="([^"]*)"', text) == shown, person.username
    for odd in ("999999999999999", "9" * 40, "0", "-1", "1.5", "x", "", f"{id}/{id}", "%D9%A1"):
        assert part(cast.ada, f"/search?recent={noun}/{odd}", "results").strip() == "", odd
