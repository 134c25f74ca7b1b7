"""Nothing typed is lost: while a form is on its way, when it is refused, when the session has ended,
and on another page.
"""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from support.browser import Desk, desk
from support.cast import Cast
from support.passwords import given_ago, with_password
from support.server import PASSWORD, Server

pytestmark = pytest.mark.slow

KEY = 70  # milliseconds from one key to the next


@pytest.fixture
def ada(browser: Browser, server: Server, cast: Cast) -> Iterator[Desk]:
    with desk(browser, server, cast.ada) as opened:
        yield opened


def task_of(cast: Cast) -> int:
    found = cast.ada.get("/api/tasks").json()
    if not found:
        cast.ada.made("/api/tasks", title="Write to them", organizationId=cast.acme)
        return task_of(cast)
    return int(found[0]["id"])


def test_lines_typed_while_others_are_saved_are_entries_of_their_own(ada: Desk, cast: Cast) -> None:
    page = ada.open(f"/organizations/{cast.acme}/tasks")
    page.get_by_label("Title").focus()
    lines = ["alpha 250 task", "bravo 250 task", "charlie 250 task"]
    for line in lines:
        page.keyboard.type(line, delay=KEY)
        page.keyboard.press("Enter")
    expect(page.locator("[data-row]")).to_have_count(3)
    ada.settled()
    titles = {task["title"] for task in cast.ada.get("/api/tasks").json()}
    assert titles == set(lines)
    assert page.get_by_label("Title").input_value() == ""
    page.goto(f"{ada.server.url}/organizations/{cast.acme}/activities")
    for line in ("Called about the offer", "They called back"):
        page.get_by_label("What happened").press_sequentially(line, delay=10)
        page.keyboard.press("Enter")
    expect(page.locator("[data-row]")).to_have_count(2)


def test_a_property_corrected_while_it_is_saved_keeps_the_correction(ada: Desk, cast: Cast) -> None:
    page = ada.open(f"/organizations/{cast.acme}")
    industry = page.get_by_label("Industry")
    industry.fill("Rokets")
    industry.press("Enter")
    industry.fill("Rockets")
    industry.press("Enter")
    page.get_by_label("Website").press_sequentially("https://acme.example", delay=20)
    ada.settled()
    assert industry.input_value() == "Rockets"
    assert page.get_by_label("Website").input_value() == "https://acme.example"
    assert cast.ada.get(f"/api/organizations/{cast.acme}").json()["industry"] == "Rockets"
    expect(page.locator(".unsaved")).to_have_count(0)


def test_a_begun_line_is_there_after_a_link_and_back_and_gone_once_sent(
    ada: Desk, cast: Cast
) -> None:
    page = ada.open(f"/organizations/{cast.acme}/activities")
    page.get_by_label("What happened").press_sequentially("They will call on")
    page.get_by_role("link", name="Contacts").first.click()
    page.get_by_role("heading", name="Contacts").wait_for()
    page.go_back()
    line = page.get_by_label("What happened")
    expect(line).to_have_value("They will call on")
    page.reload()
    expect(line).to_have_value("They will call on")
    line.press("End")
    page.keyboard.type(" Monday")
    page.keyboard.press("Enter")
    ada.settled()
    expect(page.locator(".said")).to_have_text(["They will call on Monday"])
    page.reload()
    expect(line).to_have_value("")


def test_an_answer_that_arrives_on_another_page_leaves_that_page(ada: Desk, cast: Cast) -> None:
    page = ada.open(f"/organizations/{cast.acme}")
    page.get_by_label("Industry").fill("Rockets")
    page.evaluate(
        """() => {
            document.querySelector("#p-industry").form.requestSubmit();
            document.querySelector('a[href="/contacts"]').click();
        }"""
    )
    ada.expect_toast("Changed industry")
    ada.settled()
    assert page.url.endswith("/contacts")
    assert ada.focus() == "Contacts"


def sign_in(at: Desk) -> Page:
    """The page of the user of the server's own account, who has a password."""
    page = at.open("/login")
    page.get_by_label("E-mail").fill("root@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Organizations").wait_for()
    return page


def end_session(at: Desk) -> None:
    """As an administrator does elsewhere: the cookie stays."""
    cookies = "; ".join(f"{c['name']}={c['value']}" for c in at.context.cookies())
    answer = httpx.post(f"{at.server.url}/api/logout", headers={"Cookie": cookies}, trust_env=False)
    assert answer.status_code == 204


def test_a_session_that_ended_is_renewed_over_the_page_and_the_same_form_goes_on(
    browser: Browser, server: Server, cast: Cast
) -> None:
    with desk(browser, server, None) as at:
        page = sign_in(at)
        page.keyboard.press("c")
        page.get_by_role("dialog").get_by_label("Name", exact=True).fill("Zephyr Wind")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Zephyr Wind").wait_for()
        page.goto(f"{page.url}/activities")
        line = page.get_by_label("What happened")
        line.fill("They will call on Monday")
        url = page.url
        end_session(at)
        line.press("Enter")
        box = page.get_by_role("dialog", name="Sign in again")
        expect(box.get_by_label("E-mail")).to_have_value("root@example.com")
        box.get_by_role("button", name="Not now").click()
        expect(line).to_have_value("They will call on Monday")
        expect(page.locator("#toasts")).to_contain_text("You are signed out")
        line.press("Enter")
        box.get_by_label("Password", exact=True).fill("wrong")
        box.get_by_label("Password", exact=True).press("Enter")
        expect(box.get_by_role("alert")).to_contain_text("wrong")
        assert at.axe() == []
        box.get_by_label("Password", exact=True).fill(PASSWORD)
        box.get_by_label("Password", exact=True).press("Enter")
        expect(page.locator(".said")).to_have_text(["They will call on Monday"])
        assert page.url == url
        assert at.focus() == "log-text"


def test_a_password_can_be_shown_while_one_types_it_and_is_never_kept(
    browser: Browser, server: Server, cast: Cast
) -> None:
    with desk(browser, server, None) as at:
        for path in ("/login", "/setup#token=abc"):
            page = at.open(path)
            field = page.locator("[autocomplete$=password]").first
            field.fill("seen by me")
            page.get_by_label("Show password").check()
            expect(field).to_have_attribute("type", "text")
            expect(field).to_have_value("seen by me")
            page.get_by_label("Show password").uncheck()
            expect(field).to_have_attribute("type", "password")
    with desk(browser, server, cast.cora) as at:
        page = at.open("/profile/password")
        page.get_by_label("Show password").check()
        page.get_by_label("Current password").press_sequentially("never kept")
        kept = page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")
        assert "never kept" not in kept


def test_what_takes_the_password_again_asks_in_a_dialog_and_then_sends_the_same_form(
    browser: Browser, server: Server, cast: Cast
) -> None:
    with_password(cast, cast.ada)
    other = cast.person("Abe", "admin")
    given_ago(cast, cast.ada, 16)
    with desk(browser, server, cast.ada) as at:
        page = at.open(f"/users/{other.id}")
        page.get_by_role("button", name="End all sessions").click()
        box = page.get_by_role("dialog", name="Enter your password again")
        expect(box.get_by_label("E-mail")).to_have_value(cast.ada.username)
        assert at.axe() == []
        box.get_by_role("button", name="Not now").click()
        expect(page.locator("#toasts")).to_contain_text("enter it")
        assert other.get("/api/user").status_code == 200
        page.get_by_role("button", name="End all sessions").click()
        box.get_by_label("Password", exact=True).fill("wrong")
        box.get_by_label("Password", exact=True).press("Enter")
        expect(box.get_by_role("alert")).to_contain_text("is not your password")
        box.get_by_label("Password", exact=True).fill(PASSWORD)
        box.get_by_label("Password", exact=True).press("Enter")
        at.expect_toast("Ended all sessions of Abe")
        assert other.get("/api/user").status_code == 401
        given_ago(cast, cast.ada, 16)
        page.locator("#p-role").select_option("staff")
        box.get_by_label("Password", exact=True).fill(PASSWORD)
        box.get_by_label("Password", exact=True).press("Enter")
        at.expect_toast("Changed role of Abe")
        page.locator("#p-role").select_option("admin")
        at.expect_toast("Changed role of Abe")
        given_ago(cast, cast.ada, 16)
        page.get_by_role("link", name="Make a new link").click()
        page.locator("#dialog").get_by_role("button", name="Make").click()
        box.get_by_label("Password", exact=True).fill(PASSWORD)
        box.get_by_label("Password", exact=True).press("Enter")
        page.get_by_role("heading", name="Send this link to Abe").wait_for()
        expect(page.get_by_role("textbox", name="Link")).to_have_value(re.compile("/setup#token="))


def test_suggestions_and_links_of_a_session_that_ended_stay_on_the_page(
    browser: Browser, server: Server, cast: Cast
) -> None:
    with desk(browser, server, None) as at:
        page = sign_in(at)
        page.goto(f"{server.url}/tasks")
        page.get_by_label("Title").fill("Write to them")
        end_session(at)
        page.locator("#new-organization").press_sequentially("Zep")
        expect(page.locator("#toasts")).to_contain_text("You are signed out")
        assert page.url.endswith("/tasks")
        assert page.get_by_label("Title").input_value() == "Write to them"
        page.get_by_role("link", name="Contacts").first.click()
        box = page.get_by_role("dialog", name="Sign in again")
        box.get_by_label("Password", exact=True).fill(PASSWORD)
        box.get_by_label("Password", exact=True).press("Enter")
        page.get_by_role("heading", name="Contacts").wait_for()
        page.go_back()
        expect(page.get_by_label("Title")).to_have_value("Write to them")


def test_what_an_unreachable_server_did_not_take_is_put_back_marked_and_sent_later(
    ada: Desk, cast: Cast
) -> None:
    page = ada.open(f"/tasks/{task_of(cast)}")
    page.route("**/*", lambda route: route.abort())
    page.get_by_label("Priority").select_option("high")
    expect(page.locator(".property").filter(has_text="Priority")).to_contain_text("Not saved")
    page.get_by_label("Due date").fill("2030-01-31")
    page.get_by_label("Due date").press("Enter")
    expect(page.locator(".unsaved")).to_have_count(2)
    expect(page.locator("#toasts [data-toast]")).to_have_count(1)
    expect(page.locator("#toasts")).to_contain_text("cannot be reached")
    page.keyboard.press("Control+k")
    page.keyboard.type("acme")
    page.unroute("**/*")
    ada.complaints.clear()  # the browser tells of connections that the test cut
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator(".unsaved")).to_have_count(0)
    expect(page.locator("#toasts")).not_to_contain_text("cannot be reached")
    found = cast.ada.get(f"/api/tasks/{task_of(cast)}").json()
    assert (found["priority"], found["dueDate"]) == ("high", "2030-01-31")
    # It may tell of them late.
    ada.complaints[:] = [told for told in ada.complaints if "ERR_FAILED" not in told]


def test_what_was_opened_while_a_form_was_on_its_way_stays_open(ada: Desk, cast: Cast) -> None:
    task = task_of(cast)
    page = ada.open(f"/tasks/{task}")
    held: list[Route] = []
    page.route(f"**/tasks/{task}", lambda route: held.append(route), times=1)
    with page.expect_request("**/tasks/*"):
        page.locator("#p-priority").select_option("high")
    page.keyboard.press("ControlOrMeta+k")
    search = page.locator("#palette input")
    search.fill("Ze")
    held.pop().continue_()
    ada.expect_toast("Changed priority")
    expect(search).to_have_value("Ze")
    expect(search).to_be_focused()


def test_a_refused_line_is_put_back_unless_another_is_there_by_then(ada: Desk, cast: Cast) -> None:
    page = ada.open(f"/organizations/{cast.acme}/tasks")
    held: list[Route] = []
    page.route("**/tasks", lambda route: held.append(route))
    title = page.get_by_label("Title")
    title.fill("alpha")
    title.press("Enter")
    expect(title).to_have_value("")
    held.pop().abort()
    expect(title).to_have_value("alpha")
    title.press("Enter")
    title.press_sequentially("bravo")
    held.pop().abort()
    expect(page.locator("#toasts")).to_contain_text("Not saved: “alpha”")
    assert title.input_value() == "bravo"
    page.unroute("**/tasks")
    ada.complaints.clear()  # the browser tells of connections that the test cut
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("link", name="alpha")).to_be_visible()
    assert title.input_value() == "bravo"


def test_a_dialog_with_typing_in_it_asks_before_it_closes(ada: Desk) -> None:
    page = ada.open("/organizations")
    asked = []
    page.on("dialog", lambda box: (asked.append(box.message), box.dismiss()))
    page.keyboard.press("c")
    box = page.get_by_role("dialog")
    name = box.get_by_label("Name", exact=True)
    name.fill("Zephyr Wind")
    page.keyboard.press("Escape")
    assert len(asked) == 1
    inside = name.bounding_box()
    page.mouse.move(inside["x"] + 5, inside["y"] + 5)
    page.mouse.down()
    page.mouse.move(5, 5)
    page.mouse.up()
    expect(box).to_be_visible()
    assert len(asked) == 1, "a press inside never closes"
    page.mouse.click(5, 5)
    assert len(asked) == 2
    assert name.input_value() == "Zephyr Wind"
    page.reload()
    page.keyboard.press("c")
    expect(name).to_have_value("Zephyr Wind")
    name.fill("")
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    assert len(asked) == 2, "nothing typed, nothing asked"


def test_a_refused_property_keeps_what_is_typed_on_and_elsewhere(ada: Desk, cast: Cast) -> None:
    page = ada.open(f"/organizations/{cast.acme}")
    page.get_by_label("Industry").press_sequentially("Rockets")
    number, long = page.get_by_label("External id"), "x" * 300
    number.fill(long)
    number.press("Enter")
    page.keyboard.type("yz")
    expect(page.locator("#property-externalId .error")).to_be_visible()
    assert number.input_value() == f"{long}yz"
    assert ada.focus() == "p-externalId"
    expect(page.get_by_label("Industry")).to_have_value("Rockets")
    page.get_by_role("link", name="Contacts").first.click()
    page.get_by_role("heading", name="Contacts", level=1).wait_for()
    page.go_back()
    expect(number).to_have_value(f"{long}yz")
    expect(page.locator("#property-externalId")).to_contain_text("Not saved")
    number.fill("A 1")
    number.press("Enter")
    ada.expect_toast("Changed external id")
    expect(page.locator("#property-externalId")).not_to_contain_text("Not saved")


def test_metadata_that_is_typed_and_not_saved_says_so(ada: Desk, cast: Cast) -> None:
    page = ada.open(f"/organizations/{cast.acme}")
    place = page.locator("#property-metadata")
    name, value = place.get_by_placeholder("Name").last, place.get_by_placeholder("Value").last
    name.fill("Region")
    value.fill("Alps")
    expect(place).not_to_contain_text("Not saved")
    page.reload()
    expect(place).to_contain_text("Not saved")
    expect(value).to_have_value("Alps")
    place.get_by_role("button", name="Save").click()
    ada.expect_toast("Changed metadata")
    expect(place).not_to_contain_text("Not saved")
    assert cast.ada.get(f"/api/organizations/{cast.acme}").json()["metadata"] == {"Region": "Alps"}


def test_tags_typed_one_after_the_other_are_all_kept(ada: Desk, cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"tags": ["Key account", "Old"]})
    page = ada.open(f"/organizations/{cast.acme}")
    tags = page.get_by_label("Tags", exact=True)
    tags.press_sequentially("Key", delay=10)
    proposal = page.locator("#p-tags-names option")
    expect(proposal).to_have_count(1)
    assert proposal.get_attribute("value") == "Key account"
    tags.fill("Alpha")
    tags.press("Enter")
    page.keyboard.type("Bravo")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Remove Old").click()
    expect(page.locator("#property-tags .chip")).to_have_text(["Key account", "Alpha", "Bravo"])
    ada.settled()
    kept = cast.ada.get(f"/api/organizations/{cast.acme}").json()["tags"]
    assert kept == ["Key account", "Alpha", "Bravo"]
    assert tags.input_value() == ""
    page.get_by_role("link", name="Bravo").click()
    expect(page.locator("[data-row]")).to_have_count(1)
    expect(page.get_by_label("Tag", exact=True)).to_have_value("Bravo")


def test_a_refusal_that_comes_between_back_and_its_page_is_told_on_that_page(
    ada: Desk, cast: Cast
) -> None:
    path = f"/organizations/{cast.acme}"
    page = ada.open(path)
    held: list[Route] = []
    page.route(f"**{path}", lambda route: held.append(route))
    domains = page.get_by_label("Domains")
    domains.press_sequentially("not a domain")
    page.get_by_role("link", name="Contacts").first.click()
    page.get_by_role("heading", name="Contacts", level=1).wait_for()
    page.evaluate("history.back()")
    page.wait_for_url(f"**{path}")
    while len(held) < 2:
        page.wait_for_timeout(50)
    saving, restoring = held
    assert (saving.request.method, restoring.request.method) == ("POST", "GET")
    saving.continue_()
    expect(page.locator("#toasts")).to_contain_text("waits where you typed it")
    expect(page.get_by_role("heading", name="Contacts", level=1)).to_be_visible()
    restoring.continue_()
    expect(domains).to_have_value("not a domain")
    expect(page.locator("#property-domains")).to_contain_text("Not saved")


def test_text_that_waits_in_a_property_still_meets_the_change_of_another(
    ada: Desk, cast: Cast
) -> None:
    page = ada.open(f"/organizations/{cast.acme}")
    page.locator("#p-website").press_sequentially("https://mine.example")
    cast.cora.put(f"/api/organizations/{cast.acme}", {"website": "https://theirs.example"})
    page.evaluate(
        """() => {
            const industry = document.querySelector("#p-industry");
            industry.value = "Rockets";
            industry.form.requestSubmit();
        }"""
    )
    ada.expect_toast("Changed industry")
    ada.settled()
    page.locator("#p-website").press("Enter")
    ada.settled()
    expect(page.locator("main table")).to_contain_text("https://theirs.example")
    expect(page.locator("main table")).to_contain_text("https://mine.example")
    assert cast.ada.get(f"/api/organizations/{cast.acme}").json()["website"] == (
        "https://theirs.example"
    )


def test_a_draft_of_metadata_stays_with_its_name(ada: Desk, cast: Cast) -> None:
    path = f"/organizations/{cast.acme}"
    cast.ada.put(f"/api{path}", {"metadata": {"Region": "Alps"}})
    page = ada.open(path)
    value = page.get_by_label("Metadata: Region")
    value.fill("Jura")
    cast.ada.put(f"/api{path}", {"metadata": {"A": "1", "Region": "Alps"}})
    page.reload()
    expect(value).to_have_value("Jura")
    expect(page.get_by_label("Metadata: A")).to_have_value("1")
    cast.ada.put(f"/api{path}", {"metadata": {"A": "1", "Zone": "2"}})
    page.reload()
    expect(value).to_have_count(0)
    for name, kept in (("A", "1"), ("Zone", "2"), ("value 3", "")):
        expect(page.get_by_label(f"Metadata: {name}", exact=True)).to_have_value(kept)
