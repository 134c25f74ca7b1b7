"""The pages in a real Chromium: they work, and the content security policy is never violated."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from retainer.pages.static import URLS
from support.cast import Cast
from support.server import Server

pytestmark = pytest.mark.slow


@pytest.fixture(params=[(1440, "light"), (390, "dark")], ids=["wide and light", "narrow and dark"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    opened = context.new_page()
    opened.complaints = []
    opened.on(
        "console",
        lambda message: opened.complaints.append(message.text) if message.type == "error" else None,
    )
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    yield opened
    context.close()


def quiet(page: Page) -> None:
    """Nothing was complained about but the refusals that the test provoked."""
    assert [text for text in page.complaints if "status of 422" not in text] == []


def fits(page: Page) -> None:
    for width in (page.viewport_size["width"], 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"scrolls sideways at {width}"
        )


def test_a_setup_link_sets_a_password_and_signs_in(cast: Cast, server: Server, page: Page) -> None:
    person = cast.person("Uma", "staff")
    link = cast.ada.post(f"/api/users/{person.id}/links").json()["url"]
    page.goto(link)
    fits(page)
    new, again = page.locator("input[type=password]").all()
    new.fill("password")
    again.fill("password")
    page.get_by_role("button").click()
    page.get_by_text("most common passwords").wait_for()
    new.fill("plums in the icebox")
    again.fill("plums in the icebox")
    page.get_by_role("button").click()
    page.get_by_text(person.username).wait_for()
    (cookie,) = (c for c in page.context.cookies() if c["name"] == "connect.sid")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/")
    assert (
        page.evaluate("fetch('/api/user').then(r => r.json()).then(u => u.username)")
        == person.username
    )
    assert page.evaluate("document.cookie") == "", "no script reads the session"
    quiet(page)


def test_a_used_setup_link_says_so(cast: Cast, server: Server, page: Page) -> None:
    page.goto(f"{server.url}/setup#token=used-or-never-made-0123456789012345678901")
    for field in page.locator("input[type=password]").all():
        field.fill("plums in the icebox")
    page.get_by_role("button").click()
    page.get_by_text("ask an administrator for a new link").first.wait_for()
    quiet(page)


def test_a_second_setup_link_in_the_same_tab_is_taken(
    cast: Cast, server: Server, page: Page
) -> None:
    test_a_used_setup_link_says_so(cast, server, page)
    person = cast.person("Ute", "staff")
    page.goto(cast.ada.post(f"/api/users/{person.id}/links").json()["url"])
    page.get_by_label("New password").fill("plums in the icebox")
    page.get_by_label("The same once more").fill("plums in the icebox")
    page.get_by_role("button").click()
    page.get_by_text(person.username).wait_for()
    quiet(page)


def test_the_api_page_shows_every_operation(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/api/docs")
    assert page.locator("h1").count() == 1
    for words in (
        "List all organizations",
        "Remove a member from an organization",
        "Add a version of a file",
    ):
        assert page.get_by_text(words).count()
    fits(page)
    quiet(page)


def test_only_letters_outside_latin_1_fetch_the_second_font(server: Server, page: Page) -> None:
    fonts = []
    page.on(
        "request",
        lambda request: fonts.append(request.url) if request.resource_type == "font" else None,
    )
    page.goto(f"{server.url}/api/docs")
    page.evaluate("document.fonts.ready")
    assert [url.removeprefix(server.url) for url in fonts] == [
        URLS["inter-latin-wght-normal.woff2"]
    ]
    page.evaluate("document.querySelector('h1').append(' Łódź')")
    page.evaluate("document.fonts.load('600 20px \"Inter Variable\"', 'Łódź')")
    assert [url.removeprefix(server.url) for url in fonts[1:]] == [
        URLS["inter-latin-ext-wght-normal.woff2"]
    ]
    assert page.evaluate("[...document.fonts].every(font => font.status == 'loaded')")
    quiet(page)
