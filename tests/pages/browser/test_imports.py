"""An import in the browser: a file is dropped, its plan appears by itself, and the run is taken back."""

import re

import pytest
from playwright.sync_api import Browser, expect

from support.browser import desk
from support.cast import Cast
from support.server import Server

pytestmark = pytest.mark.slow

COMPANIES = b"""name,type,website,Region
Zephyr Wind,customer,https://zephyr.example,North
Acme Corporation,customer,,South
Typo Works,purchaser,,
"""
MOST = 30_000  # milliseconds until the worker has done a job


def test_a_spreadsheet_is_imported_and_taken_back(
    browser: Browser, server: Server, cast: Cast
) -> None:
    with desk(browser, server, cast.cora) as cora:
        page = cora.open("/organizations")
        page.get_by_role("link", name="Import", exact=True).click()
        file = {"name": "companies.csv", "mimeType": "text/csv", "buffer": COMPANIES}
        page.get_by_label("Drop a file with organizations here").set_input_files(file)
        page.get_by_role("heading", name="companies.csv").wait_for()
        expect(page.get_by_role("heading", name="Add 1; 2 rows are left out")).to_be_visible(
            timeout=MOST
        )
        plan = page.url

        page.get_by_role("link", name="Columns").click()
        page.get_by_label("Region").select_option(label="Metadata: Region")
        page.get_by_role("button", name="Save and plan anew").click()
        page.get_by_role("button", name="Run import").wait_for(timeout=MOST)
        cora.settled()
        assert cora.axe_everywhere() == []
        for width in (320, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            assert cora.fits()
        page.reload()

        page.get_by_role("link", name="1 possible duplicate").click()
        page.get_by_role("button", name="Change this one: Acme Corporation").click()
        cora.expect_toast("Row 3: change")
        page.get_by_role("link", name="3 all rows").click()
        expect(page.locator("#row-3 .pill")).to_have_text("Change")
        page.get_by_role("button", name="Run import").click()
        expect(page.get_by_role("heading", name="Added 1, changed 1")).to_be_visible(timeout=MOST)
        made = cast.cora.get("/api/organizations?name=Zephyr Wind").json()[0]
        assert made["metadata"] == {"Region": "North"}

        page.get_by_role("link", name="Take back").click()
        page.get_by_role("button", name=re.compile(r"^Undo \d+ records of 2 organizations")).click()
        cora.settled()
        page.goto(plan)
        expect(page.get_by_role("heading", name="It was taken back")).to_be_visible()
        assert cast.cora.get("/api/organizations?name=Zephyr Wind").json() == []


def test_cells_are_pasted_without_scripts(browser: Browser, server: Server, cast: Cast) -> None:
    with desk(browser, server, cast.cora, latency=0, java_script_enabled=False) as cora:
        page = cora.open("/imports/new?noun=contacts")
        page.get_by_label("Cells copied from a spreadsheet").fill("fullName\ttype\nZoe\tclient")
        page.get_by_role("button", name="Look at the rows").click()
        expect(page.get_by_role("heading", name="pasted cells.tsv")).to_be_visible()
        page.get_by_role("link", name="Look again").or_(
            page.get_by_role("link", name="Plan")
        ).first.click()
        expect(page.locator("h1")).to_have_text("pasted cells.tsv")
