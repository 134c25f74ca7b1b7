"""A change that takes long: the page says so, waits for its end, and can be used meanwhile."""

import pytest
from playwright.sync_api import Browser, expect

from support.browser import desk
from support.cast import Cast
from support.server import Server
from support.sql import Sql

pytestmark = pytest.mark.slow


def test_a_long_deletion_is_told_in_words_and_waited_for(
    browser: Browser, server: Server, cast: Cast, sql: Sql
) -> None:
    with desk(browser, server, cast.ada) as ada:
        page = ada.page
        page.clock.install()
        ada.open(f"/organizations/{cast.globex}")
        words = page.get_by_text("Still at work on your last change.")
        expect(words).to_be_hidden()
        sql.rows("BEGIN")
        sql.rows("SELECT FROM organizations WHERE id = $1 FOR UPDATE", cast.globex)
        try:
            page.keyboard.press("Control+Backspace")
            expect(words).to_be_visible()
            for width in (320, 1440):
                page.set_viewport_size({"width": width, "height": 800})
                box = page.locator(".working").bounding_box()
                assert box and box["x"] >= 0 and box["x"] + box["width"] <= width
                assert ada.fits()
            page.clock.fast_forward("09:00")  # htmx gives a request up after a minute
            page.get_by_role("link", name="Contacts", exact=True).first.click()
            page.get_by_role("heading", name="Contacts").wait_for()
            expect(words).to_be_visible()
        finally:
            sql.rows("COMMIT")
        ada.expect_toast("Deleted Globex")
        expect(words).to_be_hidden()
        assert page.url.endswith("/contacts")
        assert cast.ada.get(f"/api/organizations/{cast.globex}").status_code == 404
