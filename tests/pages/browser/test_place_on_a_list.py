"""The place on a list that is no table, and its rows: kept by Back and by what others change."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from support.browser import Desk, desk
from support.cast import Cast
from support.server import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def ada(browser: Browser, server: Server, cast: Cast) -> Iterator[Desk]:
    with desk(browser, server, cast.ada) as opened:
        yield opened


def _all_rows(ada: Desk, path: str) -> Locator:
    """The rows of a list that has loaded all there are, which are more than it shows at first."""
    page = ada.open(path)
    page.mouse.wheel(0, 20_000)
    expect(page.locator(".load-more")).to_have_count(0)
    rows = page.locator("main [data-rows] > li")
    assert rows.count() > 50
    return rows


@pytest.mark.parametrize("path", ["/activity", "/activities", "/organizations/{acme}/history"])
def test_a_list_of_lines_keeps_its_rows_and_its_place(ada: Desk, cast: Cast, path: str) -> None:
    acme = f"/api/organizations/{cast.acme}"
    for number in range(55):
        if path.endswith("/history"):
            cast.ada.put(acme, {"industry": f"Industry {number}"})
        else:
            cast.ada.made(f"{acme}/activities", text=f"Call {number}")
    rows = _all_rows(ada, path.format(acme=cast.acme))
    page, count = ada.page, rows.count()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_timeout(200)
    scrolled = page.evaluate("scrollY")
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.get_by_role("heading", name="Organizations").wait_for()
    ada.settled()
    page.go_back()
    expect(rows).to_have_count(count)
    assert abs(page.evaluate("scrollY") - scrolled) < 5
    cast.cora.put(acme, {"industry": "Rockets"})
    cast.cora.made(f"{acme}/activities", text="Rockets")
    expect(page.locator("main")).to_contain_text("Rockets", timeout=20_000)
    assert rows.count() >= count
