"""The feed of everybody's activity."""

import re

from support.cast import Cast
from support.pages.organizations import plain
from support.pages.sitemap import get, post


def test_the_feed_shows_everybodys_operations(cast: Cast) -> None:
    post(cast.cora, f"/organizations/{cast.acme}", status="archived")
    post(cast.cora, "/organizations/bulk", matching="all", status="inactive")
    cast.ada.post("/api/login", {"username": "x@x.example", "password": "wrong"})
    text = plain(get(cast.ada, "/activity").text)
    assert "Cora changed status of 2 organizations" in text
    assert "Cora changed status of Acme Corporation" in text
    assert "Active → Archived" in text
    assert "Ada added Gita to Acme Corporation through the API" in text
    assert text.count("Today") == 1
    mine = plain(get(cast.ada, f"/activity?actorId={cast.cora.id}").text)
    assert "Ada added" not in mine
    assert "Nothing was done then" in get(cast.ada, "/activity?until=2020-01-01").text
    assert "Globex" not in get(cast.stan, "/activity").text
    assert get(cast.gita, "/activity").status_code == 403


def test_the_feed_shows_the_heading_of_a_day_once_across_its_parts(cast: Cast) -> None:
    for number in range(52):
        cast.ada.put(f"/api/organizations/{cast.acme}", {"industry": str(number)})
    text = get(cast.ada, "/activity").text
    (more,) = re.findall(r'<a class="button" href="([^"]+)"[^>]*data-more', text)
    rest = get(
        cast.ada, more.replace("&amp;", "&"), **{"HX-Request": "true", "HX-Target": "li#more"}
    ).text
    assert "changed industry of" in rest
    assert "Today" not in rest
