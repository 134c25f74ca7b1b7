"""Links, lists and fields by mouse and keyboard: what a browser does of itself still works, and
nothing happens before it is meant.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from support.browser import Desk, desk
from support.cast import Cast
from support.pages.organizations import add_many
from support.server import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def ada(browser: Browser, server: Server, cast: Cast) -> Iterator[Desk]:
    with desk(browser, server, cast.ada) as opened:
        yield opened


def test_a_modified_click_on_any_link_opens_a_tab_and_leaves_the_page(ada: Desk) -> None:
    page = ada.open("/organizations")
    url = page.url
    links = {
        "a row": page.locator("[data-row]").first,
        "the navigation": page.get_by_role("link", name="Contacts").first,
        "a heading that sorts": page.get_by_role("link", name="Name"),
        "a dialog": page.get_by_role("link", name="New").first,
        "the palette": page.get_by_role("link", name="Search"),
    }
    for name, link in links.items():
        with ada.context.expect_page() as opened:
            link.click(modifiers=["ControlOrMeta"])
        opened.value.close()
        ada.settled()
        assert page.url == url, name
        assert page.locator("dialog[open]").count() == 0, name


def test_arrow_keys_in_a_select_change_nothing_until_enter(ada: Desk, cast: Cast) -> None:
    page = ada.open("/organizations")
    for box in page.locator("input[name=record]").all():
        box.check()
    bulk = page.get_by_label("Set status")
    bulk.focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.wait_for_timeout(400)
    assert statuses(cast) == {"active"}
    page.keyboard.press("Tab")
    page.wait_for_timeout(400)
    assert statuses(cast) == {"active"}, "many records are not changed by leaving a field"
    bulk.focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    chosen = bulk.input_value()
    page.keyboard.press("Enter")
    ada.expect_toast("2 organizations")
    assert statuses(cast) == {chosen}
    page.goto(f"{ada.server.url}/organizations/{cast.acme}")
    operations = len(cast.ada.get(f"/api/organizations/{cast.acme}/history").json())
    page.locator("#p-type").focus()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    page.wait_for_timeout(400)
    assert len(cast.ada.get(f"/api/organizations/{cast.acme}/history").json()) == operations
    page.keyboard.press("Enter")
    ada.expect_toast("Changed type")
    ada.settled()
    assert len(cast.ada.get(f"/api/organizations/{cast.acme}/history").json()) == operations + 1
    page.goto(f"{ada.server.url}/organizations")
    page.locator("#filter-ownerId > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    for _ in range(2):
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(400)
        assert page.url.endswith("/organizations")
    chosen = page.locator("#filter-ownerId :checked").input_value()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/organizations?ownerId={chosen}")


def statuses(cast: Cast) -> set[str]:
    return {one["status"] for one in cast.ada.get("/api/organizations").json()}


def test_back_returns_to_as_many_rows_and_the_same_place(ada: Desk, cast: Cast) -> None:
    add_many(cast.ada, 120)
    page = ada.open("/organizations?type:in=partner")
    for count in (100, 120):
        page.mouse.wheel(0, 20_000)
        expect(page.locator("[data-row]")).to_have_count(count)
    page.get_by_role("link", name="Client 110").scroll_into_view_if_needed()
    place = page.evaluate("scrollY")
    assert place > 1000
    page.get_by_role("link", name="Client 110").click()
    page.get_by_role("heading", name="Client 110").wait_for()
    page.go_back()
    expect(page.locator("[data-row]")).to_have_count(120)
    ada.settled()
    assert abs(page.evaluate("scrollY") - place) < 5


def test_keys_lead_from_the_filter_to_its_rows(ada: Desk) -> None:
    page = ada.open("/organizations")
    page.keyboard.press("/")
    page.keyboard.type("glob")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Globex").wait_for()
    page.go_back()
    expect(page.locator("[data-row]")).to_have_count(1)
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    assert "Globex" in ada.focus()


def test_only_a_modified_key_deletes_a_record(ada: Desk, cast: Cast) -> None:
    page = ada.open(f"/organizations/{cast.globex}")
    for key in ("Backspace", "Delete"):
        page.keyboard.press(key)
    ada.settled()
    assert page.url.endswith(f"/organizations/{cast.globex}")
    page.keyboard.press("ControlOrMeta+Backspace")
    ada.expect_toast("Deleted Globex")
    page.get_by_role("heading", name="Organizations").wait_for()


def test_refused_files_stay_named_until_they_are_dismissed(ada: Desk, cast: Cast) -> None:
    page = ada.open(f"/organizations/{cast.acme}/documents")
    good = {"name": "plums.txt", "mimeType": "text/plain", "buffer": b"Plums"}
    empty = {"name": "nothing.txt", "mimeType": "text/plain", "buffer": b""}
    page.locator("#drop-file").set_input_files([empty, good, good | {"name": "more.txt"}])
    refused = page.locator("[data-uploads] li")
    expect(page.get_by_role("link", name="more.txt").first).to_be_visible()
    expect(refused).to_have_count(1)
    expect(refused).to_contain_text("nothing.txt")
    cast.cora.put(f"/api/organizations/{cast.acme}", {"industry": "Rockets"})
    expect(page.get_by_label("Industry")).to_have_value("Rockets")
    expect(refused.locator(".error")).not_to_be_empty()
    refused.get_by_role("button", name="Dismiss nothing.txt").click()
    expect(refused).to_have_count(0)


def test_the_palette_stays_while_the_page_behind_it_is_fetched_anew(ada: Desk, cast: Cast) -> None:
    page = ada.open(f"/organizations/{cast.acme}/documents")
    plums = {"name": "plums.txt", "mimeType": "text/plain", "buffer": b"Plums"}
    page.locator("#drop-file").set_input_files(plums)
    page.keyboard.press("Control+k")
    page.keyboard.type("glob")
    expect(page.get_by_role("link", name="plums.txt").first).to_be_attached()
    page.keyboard.type("ex")
    expect(page.locator("#palette input")).to_have_value("globex")


def test_what_is_kept_in_the_browser_is_the_users_and_goes_with_them(
    browser: Browser, server: Server, cast: Cast
) -> None:
    with desk(browser, server, cast.cora) as at:
        page = at.open(f"/organizations/{cast.globex}")
        page.keyboard.press("Control+k")
        expect(page.locator("#results")).to_contain_text("Globex")
        page.goto(f"{server.url}/organizations")
        page.get_by_label("Select Globex").check()
        page.goto(f"{server.url}/profile")
        kept = "JSON.stringify({...localStorage, ...sessionStorage})"
        assert f"organizations/{cast.globex}" in page.evaluate(kept)
        assert "Globex" not in page.evaluate(kept), "it is asked for by its id"
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("heading", name="Sign in").wait_for()
        assert page.evaluate(kept) == "{}"
        page.goto(f"{server.url}/login")
        page.evaluate("sessionStorage.setItem('1 recent', '[]'); localStorage.recent = '[]'")
        at.context.add_cookies(
            [{"name": "connect.sid", "value": str(cast.gita.token), "url": server.url}]
        )
        page.goto(f"{server.url}/organizations")
        assert "recent" not in page.evaluate(kept)


def test_ten_windows_share_a_stream_and_each_shows_what_others_change(
    browser: Browser, server: Server, cast: Cast
) -> None:
    with desk(browser, server, cast.ada) as at:
        streams = []
        pages = [at.page, *(at.window() for _ in range(9))]
        for page in pages:
            page.on(
                "request",
                lambda request: (
                    streams.append(request) if request.resource_type == "eventsource" else None
                ),
            )
            page.goto(f"{server.url}/organizations/{cast.acme}")
        assert len(streams) == 1
        pages[8].get_by_role("link", name="Contacts").first.click()
        pages[8].get_by_role("heading", name="Contacts", level=1).wait_for(timeout=3000)
        cast.cora.put(f"/api/organizations/{cast.acme}", {"industry": "Rockets"})
        for page in (pages[0], pages[9]):
            expect(page.get_by_label("Industry")).to_have_value("Rockets")
        pages[0].close()  # another takes over
        pages[9].wait_for_timeout(500)
        cast.cora.put(f"/api/organizations/{cast.acme}", {"industry": "Submarines"})
        expect(pages[9].get_by_label("Industry")).to_have_value("Submarines")
        assert len(streams) == 2


@pytest.mark.parametrize("has_clipboard", [True, False], ids=["https", "plain http"])
def test_a_link_an_address_and_a_number_are_copied_by_keyboard_and_it_is_said(
    ada: Desk, cast: Cast, has_clipboard: bool
) -> None:
    made = {"fullName": "Kim", "email": f"kim{cast.tenant}@example.com", "type": "client"}
    contact = cast.ada.made("/api/contacts", **made, phone="+41 44 123 45 67")["id"]
    if has_clipboard:
        ada.context.grant_permissions(["clipboard-read", "clipboard-write"])
    else:
        ada.context.add_init_script(
            "Object.defineProperty(navigator, 'clipboard', { value: undefined })"
        )

    def pasted() -> str:
        page.evaluate("document.body.append(document.createElement('textarea'))")
        field = page.locator("body > textarea")
        field.focus()
        page.keyboard.press("Control+v")
        text = field.input_value()
        field.evaluate("field => field.remove()")
        return text

    def copy(what: str) -> None:
        button = page.get_by_role("button", name=f"Copy the {what}")
        button.focus()
        page.keyboard.press("Enter")
        expect(button.locator("+ [role=status]")).to_have_text("Copied")
        expect(button).to_be_focused()

    page = ada.open(f"/contacts/{contact}")
    for what, text in (("e-mail", made["email"]), ("phone number", "+41 44 123 45 67")):
        copy(what)
        assert pasted() == text
    page = ada.open(f"/users/{cast.stan.id}")
    page.get_by_role("link", name="Make a new link").click()
    page.get_by_role("button", name="Make a link").click()
    page.get_by_role("heading", name="Send this link").wait_for()
    copy("link")
    link = page.get_by_role("textbox", name="Link").input_value()
    page.get_by_role("link", name="Done").click()
    page.locator("dialog[open]").wait_for(state="hidden")
    assert pasted() == link
