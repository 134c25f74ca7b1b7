"""Details of pages that only a browser shows: dates in words, the gutter behind a dialog, targets of
fingers.
"""

import base64

import pytest
from playwright.sync_api import Browser, Page, expect

from support.browser import desk
from support.cast import Cast
from support.server import Server

pytestmark = pytest.mark.slow

_PIXELS = """async ([png, places]) => {
  const image = new Image();
  image.src = "data:image/png;base64," + png;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d", {
    willReadFrequently: true,
  });
  canvas.drawImage(image, 0, 0);
  return places.map(([x, y]) => canvas.getImageData(x, y, 1, 1).data.join());
}"""


def pixels(page: Page, places: list[tuple[int, int]]) -> list[str]:
    png = base64.b64encode(page.screenshot()).decode()
    found: list[str] = page.evaluate(_PIXELS, [png, places])
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_dialog_dims_the_whole_window_with_the_scrollbars_gutter(
    browser: Browser, server: Server, cast: Cast, scheme: str
) -> None:
    with desk(browser, server, cast.ada) as at:
        at.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page = at.open("/organizations")
        width = round(page.evaluate("document.body.getBoundingClientRect().right"))
        assert width < 1440, "there is a gutter"
        places = [(width - 40, 800), (width + 2, 800), (1437, 800)]
        before = pixels(page, places)
        page.get_by_role("link", name="New", exact=True).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        inside, *gutter = pixels(page, places)
        assert inside != before[0]
        assert gutter == [inside, inside]


def test_a_date_is_read_in_words_until_it_is_edited(
    browser: Browser, server: Server, cast: Cast
) -> None:
    project = cast.ada.made(
        "/api/projects", organizationId=cast.acme, title="P", dueDate="2027-05-08"
    )
    with desk(browser, server, cast.ada) as at:
        page = at.open(f"/projects/{project['id']}")
        field, words = page.locator("#p-dueDate"), page.locator("#property-dueDate .in-words")
        expect(words).to_be_visible()
        expect(words).to_have_text("8 May 2027")
        expect(field).to_have_css("color", "rgba(0, 0, 0, 0)")
        field.focus()
        expect(words).to_be_hidden()
        expect(field).not_to_have_css("color", "rgba(0, 0, 0, 0)")
        field.fill("2027-06-09")
        field.press("Enter")
        at.expect_toast("Changed due date")
        page.get_by_role("heading", level=1).click()
        expect(words).to_have_text("9 Jun 2027")
        expect(words).to_be_visible()


def test_a_date_in_a_form_has_one_format_before_and_after_it_is_typed(
    browser: Browser, server: Server, cast: Cast
) -> None:
    with desk(browser, server, cast.ada, locale="de-CH") as at:
        page = at.open("/tasks/new")
        field, words = page.locator("#f-dueDate"), page.locator("#f-dueDate + .in-words")
        expect(words).to_be_visible()
        assert words.evaluate("one => getComputedStyle(one, '::before').content") == '"No date"'
        expect(field).to_have_css("color", "rgba(0, 0, 0, 0)")
        field.fill("2027-05-08")
        expect(words).to_be_hidden()
        page.get_by_label("Title").focus()
        expect(words).to_have_text("8 May 2027")
        expect(words).to_be_visible()
        page = at.open("/activities/new")
        page.locator("#f-happenedAt").fill("2027-05-08T09:05")
        page.locator("#f-text").focus()
        expect(page.locator("#f-happenedAt + .in-words")).to_have_text("8 May 2027, 09:05")
        page = at.open("/tasks")
        page.locator("#new-due").fill("2027-05-08")
        page.locator("#new-title").focus()
        expect(page.locator("#new-due + .in-words")).to_have_text("8 May 2027")
        page.keyboard.type("Call them")
        page.keyboard.press("Enter")
        at.expect_toast("Added")
        expect(page.locator("#new-due + .in-words")).to_have_text("")


def test_on_a_phone_tabs_begin_at_the_gutter_and_links_are_as_high_as_a_finger(
    browser: Browser, server: Server, cast: Cast
) -> None:
    cast.ada.put(f"/api/contacts/{cast.gita_contact}", {"phone": "+41 44 555 01 02"})
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with desk(browser, server, cast.ada, **phone) as at:
        page = at.open(f"/organizations/{cast.acme}")
        box = page.locator(".tabs a").first.bounding_box()
        assert box and box["x"] == 16
        record = f"/organizations/{cast.acme}"
        paths = [record, f"{record}/members", f"/contacts/{cast.gita_contact}", "/contacts"]
        seen = 0
        for path in paths:
            at.open(path)
            links = ".crumbs a, a[href^='mailto:'], a[href^='tel:']"
            for link in page.locator(links).filter(visible=True).all():
                seen += 1
                box = link.bounding_box()
                assert box and box["height"] >= 44, (path, link.get_attribute("href"), box)
        assert seen >= 6
