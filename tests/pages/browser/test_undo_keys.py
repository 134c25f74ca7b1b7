"""Z takes back one's own last change, again the one before it, and Shift Z redoes."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from support.browser import Desk, desk
from support.cast import Cast
from support.server import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def ada(browser: Browser, server: Server, cast: Cast) -> Iterator[Desk]:
    with desk(browser, server, cast.ada) as opened:
        yield opened


def test_z_is_a_stack_that_outlives_a_reload(ada: Desk, cast: Cast) -> None:
    page = ada.open(f"/organizations/{cast.acme}")
    toasts = page.locator("#toasts")
    for name, value in (("Industry", "Energy"), ("Website", "https://acme.example")):
        page.get_by_label(name, exact=True).fill(value)
        page.get_by_label(name, exact=True).press("Enter")
        expect(toasts).to_contain_text(f"Changed {name.lower()}")
    page.reload()
    for key, words in (
        ("z", "Undid changing website"),
        ("z", "Undid changing industry"),
        ("Shift+Z", "Redid changing industry"),
    ):
        page.locator("h1").click()
        page.keyboard.press(key)
        expect(toasts).to_contain_text(words)
    expect(page.get_by_label("Industry")).to_have_value("Energy")
    expect(page.get_by_label("Website", exact=True)).to_have_value("")
