"""Lists of an organization on its pages: each tag and domain by itself, proposed and filtered by."""

import re
from functools import partial
from html import unescape

import pytest

from support.cast import Cast, Person
from support.pages.accounts import followed, toast
from support.pages.sitemap import check, get, post
from support.races import together


def chips(page: str) -> list[tuple[str, str]]:
    """The linked elements of a page: where each leads, and its words."""
    found = re.findall(r'class="chip">\s*<a href="([^"]*)"[^>]*>([^<]*)</a>', page)
    return [(unescape(url), unescape(words)) for url, words in found]


def proposed(person: Person, typed: str, **more: str) -> list[str]:
    page = person.get(
        "/choices", params={"tags": typed, **more}, headers={"Accept": "text/html"}
    ).text
    return [unescape(one) for one in re.findall(r'<option value="([^"]*)"', page)]


def names(page: str) -> set[str]:
    return set(re.findall(r"data-row>.*?<span>([^<]*)</span></a>", page, re.DOTALL))


@pytest.fixture
def tagged(cast: Cast) -> Cast:
    tags = ["Key account", "Räume & Möbel", "50% off, net", "x" * 50]
    cast.ada.put(f"/api/organizations/{cast.acme}", {"tags": tags, "domains": ["acme.example"]})
    return cast


def test_each_tag_and_domain_stands_in_full_and_leads_to_the_organizations_that_have_it(
    tagged: Cast,
) -> None:
    organization = tagged.ada.get(f"/api/organizations/{tagged.acme}").json()
    page = get(tagged.stan, f"/organizations/{tagged.acme}").text
    found = chips(page)
    assert [words for _, words in found] == [*organization["domains"], *organization["tags"]]
    for url, _ in found:
        assert names(get(tagged.stan, url).text) == {organization["name"]}, url
    rows = get(tagged.ada, "/organizations").text
    first, second, *others = organization["tags"]
    for tag in (first, second):
        assert f'<span dir="auto">{tag}</span></a>' in unescape(rows)
    assert f">+{len(others)}</span>" in rows
    assert f'title="{", ".join(organization["tags"])}"' in unescape(rows)
    filtered = get(tagged.ada, "/organizations?domain=acme.example&status:in=active").text
    assert "Domain acme.example" in filtered
    assert 'href="/organizations?status:in=active" data-on' in filtered


def test_tags_are_shown_in_the_list_at_every_width_to_those_who_are_told_them(
    cast: Cast,
) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"tags": ["Key account", "Rail"]})
    shown = get(cast.stan, "/organizations").text
    assert '<th scope="col" class="wide">Tags</th>' in shown, "hidden on phones alone"
    assert '<span class="narrow muted" dir="auto"> · Key account, Rail</span>' in shown
    assert "Key account" not in get(cast.gita, "/organizations").text


@pytest.mark.parametrize("field", ["tags", "domains"])
def test_an_element_is_added_or_dropped_whatever_others_do_to_the_rest(
    cast: Cast, field: str
) -> None:
    path = f"/organizations/{cast.acme}"
    cast.ada.put(f"/api{path}", {field: ["a.example", "b.example"]})
    page = get(cast.cora, path).text
    version = re.findall(r'name="version" value="([^"]*)"', page)[0]
    cast.ada.put(f"/api{path}", {field: ["a.example", "b.example", "theirs.example"]})
    form = {"version": version, "list": "add", field: "mine.example, other.example"}
    assert followed(cast.cora, post(cast.cora, path, **form)).status_code == 200
    dropped = post(cast.cora, path, **form | {"list": "drop", field: "a.example"})
    assert toast(followed(cast.cora, dropped).text) == f"Changed {field} of Acme Corporation"
    found = cast.ada.get(f"/api{path}").json()[field]
    assert found == ["b.example", "theirs.example", "mine.example", "other.example"]


@pytest.mark.parametrize("field", ["tags", "domains"])
def test_elements_that_are_added_and_dropped_at_the_same_moment_are_no_conflict(
    cast: Cast, field: str
) -> None:
    path = f"/organizations/{cast.acme}"
    old, new = ([f"{word}{n}.example" for n in range(6)] for word in ("old", "new"))
    cast.ada.put(f"/api{path}", {field: old})
    version = re.findall(r'name="version" value="([^"]*)"', get(cast.cora, path).text)[0]

    def send(how: str, element: str) -> int:
        form = {"version": version, "list": how, field: element}
        return post(cast.cora, path, **form).status_code

    jobs = [partial(send, "add", one) for one in new] + [partial(send, "drop", one) for one in old]
    assert together([*jobs, partial(send, "add", "twelve.example")]) == [303] * 13
    found = cast.ada.get(f"/api{path}").json()[field]
    assert sorted(found) == [*new, "twelve.example"]


def test_a_tag_with_a_comma_is_dropped_as_one(tagged: Cast) -> None:
    path = f"/organizations/{tagged.acme}"
    page = get(tagged.ada, path)
    check(page.text)
    buttons = re.findall(r'<button name="tags" value="([^"]*)"', page.text)
    assert len(buttons) == 4
    post(tagged.ada, path, version="", list="drop", tags=unescape(buttons[2]))
    assert "50% off, net" not in tagged.ada.get(f"/api{path}").json()["tags"]
    assert len(tagged.ada.get(f"/api{path}").json()["tags"]) == 3


def test_a_refused_tag_is_shown_as_it_was_typed_beside_those_that_are_there(tagged: Cast) -> None:
    path = f"/organizations/{tagged.acme}"
    answer = post(tagged.ada, path, version="1-1", list="add", tags="y" * 51)
    assert answer.status_code == 422
    assert f'value="{"y" * 51}"' in answer.text and 'id="error-tags"' in answer.text
    assert len(chips(answer.text)) == 5


def test_tags_are_proposed_only_from_what_the_viewer_may_see(tagged: Cast) -> None:
    tagged.ada.made(
        "/api/organizations", name="Far", type="vendor", tags=["Key hidden", "KEY ACCOUNT"]
    )
    tagged.ada.made("/api/organizations", name="Near", type="vendor", tags=["Key account"])
    assert proposed(tagged.ada, "key") == ["Key account", "Key hidden"]
    assert proposed(tagged.stan, "key") == ["Key account"]
    assert proposed(tagged.gita, "key") == proposed(tagged.olga, "key") == []
    assert proposed(tagged.ada, "mobel") == ["Räume & Möbel"]
    assert proposed(tagged.ada, 'Old, "a, b", off') == ['Old, "a, b", "50% off, net"']
    assert proposed(tagged.ada, "% off, n", one="yes") == ["50% off, net"]
    assert proposed(tagged.ada, "nothing") == []


def test_a_form_that_was_refused_keeps_each_tag(cast: Cast) -> None:
    tags = ['"a, b"', "c", "d, e"]
    answer = post(cast.ada, "/organizations", name="", tags=tags)
    assert answer.status_code == 422
    kept = re.findall(r'type="checkbox" name="tags" value="([^"]*)" checked', answer.text)
    assert [unescape(one) for one in kept] == ['"a, b"', "c", "d", "e"]
    made = post(cast.ada, "/organizations", name="New", type="other", tags=tags)
    path = made.headers["location"]
    assert cast.ada.get(f"/api{path}").json()["tags"] == ["a, b", "c", "d", "e"]


def test_whoever_may_not_change_an_organization_reads_its_lists(tagged: Cast) -> None:
    page = get(tagged.gita, f"/organizations/{tagged.acme}").text
    assert [words for _, words in chips(page)] == ["acme.example"]
    assert '<button name="domains"' not in page
