"""Every page with texts as long as they may be, from a phone to a desk: nothing leaves its place."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from support.browser import Desk, desk
from support.cast import Cast
from support.layout import faults
from support.long_data import SPACED, UNBROKEN, LongData
from support.pages.sitemap import PARTS, SHOWN, path_of
from support.server import Server

pytestmark = pytest.mark.slow
WINDOWS = ((320, 700), (390, 844), (768, 1024), (1024, 768), (1440, 900))
TABS = ("", "/projects", "/members", "/documents", "/tasks", "/activities", "/history")
FIRST_ROW = "#panel :is([data-row], .rows > li, .description, tbody tr)"


@pytest.fixture
def ada(browser: Browser, server: Server, cast: Cast) -> Iterator[Desk]:
    with desk(browser, server, cast.ada) as opened:
        yield opened


def top(page: Page, selector: str) -> float:
    """The distance of the first such element from the top of the page."""
    box = page.locator(selector).locator("visible=true").first.bounding_box()
    assert box, selector
    return box["y"]


@pytest.mark.parametrize("pattern", [UNBROKEN, SPACED], ids=["unbroken", "spaced"])
def test_every_page_holds_long_texts_at_every_width(
    browser: Browser, server: Server, cast: Cast, pattern: str
) -> None:
    known = LongData(cast, pattern).ids
    found: list[str] = []
    with desk(browser, server, cast.ada, latency=0) as at:
        for route in SHOWN:
            if route.name.removesuffix("Page") in PARTS:
                continue
            at.open(path_of(cast, route, known))
            for width, height in WINDOWS:
                at.page.set_viewport_size({"width": width, "height": height})
                found += [f"{route.path} at {width}: {fault}" for fault in faults(at.page)]
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_begins_in_the_upper_part_of_a_tablet_whatever_the_client_is_called(
    ada: Desk, cast: Cast, tab: str
) -> None:
    (client,) = LongData(cast, SPACED).ids["organizations"]
    ada.page.set_viewport_size({"width": 1024, "height": 768})
    page = ada.open(f"/organizations/{client}{tab}")
    assert top(page, FIRST_ROW) < 500
    assert not page.locator("#p-industry").is_visible()
    page.locator(".brief > summary").click()
    assert page.locator("#p-industry").is_visible(), "all properties, in place"


def test_a_long_description_stands_once_in_four_lines_until_more_is_asked_for(
    ada: Desk, cast: Cast
) -> None:
    def heights() -> tuple[int, int]:
        tabs = (f"/organizations/{cast.acme}", f"/organizations/{cast.acme}/tasks")
        return tuple(  # type: ignore[return-value]
            ada.open(path).evaluate("document.documentElement.scrollHeight") for path in tabs
        )

    overview, tasks = heights()
    cast.ada.put(f"/api/organizations/{cast.acme}", {"description": "Renewal is due. " * 600})
    assert heights()[1] == tasks
    page = ada.open(f"/organizations/{cast.acme}")
    described = page.evaluate("document.documentElement.scrollHeight")
    assert described < overview + 250, "with the change that says so"
    assert page.locator("main [name=description]").count() == 1
    assert page.locator("main").inner_text().count("Renewal is due. Renewal") < 20
    page.locator(".description .unclamp > summary").click()
    assert page.evaluate("document.documentElement.scrollHeight") > described + 500


def test_a_reader_has_four_lines_of_a_long_text_and_more(
    browser: Browser, server: Server, cast: Cast
) -> None:
    path = f"/api/organizations/{cast.acme}/activities"
    cast.ada.made(path, text="They want an offer. " * 500, audience="client", contactIds=[])
    with desk(browser, server, cast.gita) as at:
        page = at.open(f"/organizations/{cast.acme}/activities")
        text = page.locator(".said .clamp")
        before = text.bounding_box()
        page.locator(".said .unclamp > summary").click()
        after = text.bounding_box()
        assert before and after and before["height"] <= 4 * 20 < 200 < after["height"]


def boxes_meet(page: Page, one: str, other: str) -> bool:
    a, b = (page.locator(each).first.bounding_box() for each in (one, other))
    assert a and b
    apart = (
        a["x"] + a["width"] <= b["x"]
        or b["x"] + b["width"] <= a["x"]
        or a["y"] + a["height"] <= b["y"]
        or b["y"] + b["height"] <= a["y"]
    )
    return not apart


@pytest.mark.parametrize(("width", "height"), [(390, 844), (768, 1024), (1440, 900)])
def test_a_message_and_the_bar_of_selected_rows_never_meet(
    ada: Desk, cast: Cast, width: int, height: int
) -> None:
    (client,) = LongData(cast, SPACED).ids["organizations"]
    ada.page.set_viewport_size({"width": width, "height": height})
    page = ada.open(f"/organizations/{client}")
    page.locator(".crumbs summary").click()
    page.get_by_role("button", name="Delete organization").click()
    page.locator("[data-row]").first.wait_for()
    page.locator("[name=record]").first.check()
    assert page.locator("#toasts [data-toast]").is_visible()
    assert not boxes_meet(page, "#toasts [data-toast]", "[data-bulk]")
    for part in ("#toasts .close", "[data-bulk]"):
        box = page.locator(part).first.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= width, part


@pytest.mark.parametrize("is_touched", [False, True])
def test_on_a_phone_my_tasks_begin_at_the_top_in_rows_of_two_lines(
    browser: Browser, server: Server, cast: Cast, is_touched: bool
) -> None:
    for n in range(3):
        cast.ada.made("/api/tasks", title=f"Task {n}", assigneeId=cast.ada.id, dueDate="2026-01-31",
                      organizationId=cast.acme, priority="high")  # fmt: skip
    phone = {"width": 390, "height": 844}
    with desk(browser, server, cast.ada, viewport=phone, has_touch=is_touched) as at:
        page = at.open("/tasks")
        assert top(page, "tr[data-id]") <= 280
        rows = [one.bounding_box() for one in page.locator("tr[data-id]").all()]
        assert max(row["height"] for row in rows if row) <= 72
        assert not page.get_by_label("Due date", exact=True).is_visible()
        page.get_by_label("Title").fill("Call them")
        assert page.get_by_label("Due date", exact=True).is_visible(), "with what is typed"
        assert not page.locator("#filter-assigneeId").is_visible()
        page.locator("#filters-fold > summary").click()
        assert page.locator("#filter-assigneeId").is_visible()


def test_the_head_of_a_list_stays_where_it_is_while_one_filters(ada: Desk) -> None:
    page = ada.open("/organizations")
    before = top(page, "thead")
    page.locator("#filter-q").press_sequentially("acme")
    page.get_by_role("link", name="Clear filters").wait_for()
    assert top(page, "thead") == before


def test_adding_on_the_overview_begins_with_typing(ada: Desk, cast: Cast) -> None:
    path = f"/organizations/{cast.acme}"
    page = ada.open(path)
    page.locator("[aria-labelledby=next-title]").get_by_role("link", name="Add").click()
    page.get_by_role("dialog").get_by_label("Title").wait_for()
    assert ada.focus() == "f-title"
    page = ada.open(path)
    page.locator("[aria-labelledby=people-title]").get_by_role("link", name="Add").click()
    page.wait_for_url("**/members#f-contact")
    assert ada.focus() == "f-contact"


def test_without_scripts_the_bar_of_selected_rows_stands_below_them(
    browser: Browser, server: Server, cast: Cast
) -> None:
    with desk(browser, server, cast.ada, java_script_enabled=False) as at:
        page = at.open("/organizations")
        assert not boxes_meet(page, ".bulk", ".table")
