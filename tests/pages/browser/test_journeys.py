"""Everyday work in a real Chromium: by hand, by keyboard, two at once, and without JavaScript."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from support.browser import Desk, desk
from support.cast import Cast
from support.pages.organizations import add_many
from support.server import PASSWORD, Server

pytestmark = pytest.mark.slow


@pytest.fixture
def ada(browser: Browser, server: Server, cast: Cast) -> Iterator[Desk]:
    with desk(browser, server, cast.ada) as opened:
        yield opened


def test_a_user_signs_in_finds_edits_in_place_and_undoes(
    browser: Browser, server: Server, cast: Cast
) -> None:
    with desk(browser, server, None) as at:
        page = at.open("/organizations?status=active")
        assert page.url.endswith("/login?next=%2Forganizations%3Fstatus%3Dactive")
        page.get_by_label("E-mail").fill("root@example.com")
        page.get_by_label("Password", exact=True).fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("wrong")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/organizations?status=active")
        page.evaluate("window.sameDocument = true")
        page.keyboard.press("c")
        page.get_by_role("dialog").get_by_label("Name", exact=True).fill("Zürich Garden Society")
        page.get_by_role("button", name="Add organization").click()
        at.expect_toast("Added Zürich Garden Society")
        page.get_by_role("link", name="Organizations").first.click()
        page.get_by_role("heading", name="Organizations").wait_for()
        page.keyboard.press("/")
        page.keyboard.type("zurich gar")
        page.wait_for_url("**/organizations?q=zurich*gar")
        expect(page.locator("[data-row]")).to_have_count(1)
        assert at.focus() == "filter-q", "filtering leaves the focus where it was"
        page.locator("[data-row]").press("Enter")
        page.get_by_label("Industry").fill("Gardens")
        page.get_by_label("Industry").press("Enter")
        at.expect_toast("Changed industry of Zürich Garden Society")
        at.settled()
        assert at.focus() == "p-industry", "saving leaves the focus where it was"
        page.locator("#p-status").select_option("archived")
        expect(page.locator(".identity .pill")).to_have_text("Archived")
        assert "Active" not in page.locator(".identity").inner_text(), "no old value remains"
        page.get_by_role("heading", name="Zürich").focus()
        page.keyboard.press("z")
        expect(page.locator(".identity .pill")).to_have_text("Active")
        assert page.evaluate("window.sameDocument"), "the shell was never loaded anew"


def test_a_likely_duplicate_is_pointed_out_while_its_name_is_typed(ada: Desk) -> None:
    page = ada.open("/organizations")
    page.get_by_role("link", name="New").click()
    box = page.get_by_role("dialog")
    box.get_by_label("Name", exact=True).press_sequentially("Aceme Corpration", delay=5)
    expect(box.get_by_text("Perhaps it is here already")).to_be_visible()
    expect(box.get_by_role("link", name="Acme Corporation")).to_be_visible()
    assert ada.axe_everywhere() == []
    page.once("dialog", lambda asked: asked.accept())
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    assert ada.focus() == "New", "the focus returns to what opened it"


def test_a_refused_form_stays_in_its_dialog_with_what_was_typed(ada: Desk, cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"domains": ["acme.example"]})
    page = ada.open("/organizations/new")
    page.get_by_label("Name", exact=True).fill("x" * 255)
    page.evaluate("document.querySelector('#f-name').removeAttribute('maxlength')")
    page.get_by_label("Name", exact=True).fill("x" * 256)
    page.get_by_role("button", name="Add organization").click()
    expect(page.locator("#error-name")).to_contain_text("255 characters")
    assert page.get_by_label("Name", exact=True).input_value() == "x" * 256
    assert ada.focus() == "f-name", "the first mistake has the focus"
    assert ada.axe_everywhere() == []


def test_the_back_button_returns_to_the_list_as_it_was(ada: Desk, cast: Cast) -> None:
    add_many(cast.ada, 60)
    page = ada.open("/organizations?type:in=partner")
    page.evaluate("window.sameDocument = true")
    page.mouse.wheel(0, 700)
    page.wait_for_function("scrollY === 700")
    scrolled = page.evaluate("scrollY")
    page.get_by_role("link", name="Client 030").click()
    page.get_by_role("heading", name="Client 030").wait_for()
    ada.settled()
    assert page.evaluate("scrollY") == 0
    assert ada.focus() == "Client 030", "the heading"
    assert page.title().startswith("Client 030")
    page.go_back()
    page.get_by_role("heading", name="Organizations").wait_for()
    ada.settled()
    assert page.url.endswith("/organizations?type:in=partner")
    assert abs(page.evaluate("scrollY") - scrolled) < 5
    assert page.evaluate("window.sameDocument")


def test_a_selection_survives_sorting_and_loading_more_and_is_changed_as_one(
    ada: Desk, cast: Cast
) -> None:
    add_many(cast.ada, 70)
    page = ada.open("/organizations?type:in=partner")
    page.get_by_label("Select Client 001").check()
    page.get_by_label("Select Client 003").check()
    expect(page.locator("[data-selected]")).to_have_text("2 selected")
    page.get_by_role(
        "link", name="Name"
    ).click()  # the other way round: both are beyond the first fifty now
    page.wait_for_url("**sort=-name*")
    expect(page.locator("[data-row]").first).to_contain_text("Client 069")
    expect(page.locator("[data-selected]")).to_have_text("2 selected")
    page.mouse.wheel(0, 20_000)
    expect(page.get_by_label("Select Client 003")).to_be_checked()
    page.locator("[data-bulk] select[name=status]").select_option("archived")
    ada.expect_toast("2 organizations")
    changed = cast.ada.get("/api/organizations?status=archived").json()
    assert {one["name"] for one in changed} == {"Client 001", "Client 003"}
    expect(page.locator("[data-bulk]")).to_be_hidden()
    page.locator("#toasts .undo").first.click()
    expect(page.locator("#toasts [data-toast]").first).not_to_contain_text("organizations to")
    ada.settled()
    assert cast.ada.get("/api/organizations?status=archived").json() == []


def test_all_matching_rows_are_selected_by_the_server(ada: Desk, cast: Cast) -> None:
    add_many(cast.ada, 70)
    page = ada.open("/organizations?type:in=partner")
    page.get_by_label("Select all shown").check()
    page.get_by_role("button", name=re.compile("Select all 70 matching")).click()
    page.locator("[data-bulk] select[name=status]").select_option("inactive")
    ada.expect_toast("70 organizations")
    assert len(cast.ada.get("/api/organizations?status=inactive").json()) == 70


def test_two_editors_of_one_record_see_both_versions(
    browser: Browser, server: Server, cast: Cast
) -> None:
    with desk(browser, server, cast.ada) as first, desk(browser, server, cast.cora) as second:
        path = f"/organizations/{cast.acme}"
        mine, theirs = first.open(path), second.open(path)
        mine.get_by_label("Website").fill("https://mine.example")
        theirs.get_by_label("Website").fill("https://theirs.example")
        theirs.get_by_label("Website").press("Enter")
        second.expect_toast("Changed website")
        mine.get_by_role("button", name="Changed by others").wait_for()
        assert mine.get_by_label("Website").input_value() == "https://mine.example", (
            "typing is never disturbed"
        )
        mine.get_by_label("Website").press("Enter")
        mine.get_by_role("heading", name="Somebody changed this meanwhile").wait_for()
        expect(mine.locator("main")).to_contain_text("https://theirs.example")
        expect(mine.locator("main")).to_contain_text("https://mine.example")
        expect(mine.locator("main")).to_contain_text("Cora")
        assert first.axe_everywhere() == []
        mine.get_by_role("button", name="Use mine").click()
        first.expect_toast("Changed website")
    assert cast.ada.get(f"/api{path}").json()["website"] == "https://mine.example"


def test_an_open_page_shows_changes_by_others(browser: Browser, server: Server, cast: Cast) -> None:
    with desk(browser, server, cast.ada) as at:
        with at.page.expect_response("**/live"):
            page = at.open("/organizations")
        page.wait_for_timeout(300)
        cast.cora.put(f"/api/organizations/{cast.acme}", {"industry": "Rockets"})
        expect(page.get_by_text("Rockets")).to_be_visible()
        with page.expect_response("**/live"):
            page.goto(f"{server.url}/organizations/{cast.acme}")
        page.wait_for_timeout(300)
        cast.cora.put(f"/api/organizations/{cast.acme}", {"industry": "Submarines"})
        expect(page.get_by_label("Industry")).to_have_value("Submarines")


def test_the_palette_finds_and_commands(ada: Desk, cast: Cast) -> None:
    page = ada.open("/organizations")
    page.keyboard.press("Control+k")
    page.keyboard.type("aceme")
    expect(page.locator("#results [role=option]").first).to_contain_text("Acme Corporation")
    assert ada.axe_everywhere() == []
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Acme Corporation").wait_for()
    page.keyboard.press("Control+k")
    page.keyboard.type("> go to con")
    expect(page.locator("#results [role=option]").first).to_contain_text("Go to contacts")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Contacts").wait_for()
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()


def test_keyboard_shortcuts_move_in_a_list_and_can_be_turned_off(ada: Desk, cast: Cast) -> None:
    page = ada.open("/organizations")
    page.keyboard.press("j")
    assert "Acme Corporation" in ada.focus()
    page.keyboard.press("j")
    assert "Globex" in ada.focus()
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(page.get_by_label("Select Acme Corporation")).to_be_checked()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Select Acme Corporation")).not_to_be_checked()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Filter this list")
    assert ada.axe_everywhere() == []
    page.keyboard.press("Escape")
    page.locator("[data-row]").first.press("Enter")
    page.get_by_role("heading", name="Acme Corporation").wait_for()
    page.keyboard.press("]")
    page.get_by_role("heading", name="Globex").wait_for()
    cast.ada.put("/api/user", {"shortcuts": False})
    page.reload()
    page.keyboard.press("c")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()


def test_a_deleted_organization_comes_back(ada: Desk, cast: Cast) -> None:
    page = ada.open(f"/organizations/{cast.globex}")
    page.locator(".crumbs summary").click()
    page.get_by_role("button", name="Delete organization").click()
    ada.expect_toast("Deleted Globex")
    page.get_by_role("heading", name="Organizations").wait_for()
    expect(page.get_by_role("link", name="Globex")).to_have_count(0)
    page.locator("#toasts .undo").first.click()
    ada.settled()
    assert cast.ada.get(f"/api/organizations/{cast.globex}").status_code == 200


def test_forms_and_lists_work_without_scripts(browser: Browser, server: Server, cast: Cast) -> None:
    with desk(browser, server, cast.ada, java_script_enabled=False) as at:
        page = at.open("/organizations")
        page.get_by_placeholder("Filter by name").fill("globex")
        page.get_by_role("button", name="Filter").click()
        assert page.locator("[data-row]").count() == 1
        page.locator("[data-row]").click()
        page.get_by_label("Industry").fill("Rockets")
        page.get_by_label("Industry").press("Enter")
        assert page.get_by_label("Industry").input_value() == "Rockets"
        page.get_by_role("button", name="Undo").click()
        assert page.get_by_label("Industry").input_value() == ""
        page.goto(f"{server.url}/organizations/new")
        page.get_by_label("Name", exact=True).fill("Without scripts")
        page.get_by_role("button", name="Add organization").click()
        assert page.locator("h1").inner_text() == "Without scripts"


def test_a_failing_server_loses_nothing_typed(ada: Desk, cast: Cast) -> None:
    page = ada.open(f"/organizations/{cast.acme}")
    page.route(
        "**/organizations/*",
        lambda route: route.abort() if route.request.method == "POST" else route.continue_(),
    )
    page.get_by_label("Industry").fill("Rockets")
    page.get_by_label("Industry").press("Enter")
    expect(page.locator("#toasts")).to_contain_text("cannot be reached")
    assert page.get_by_label("Industry").input_value() == "Rockets"
    ada.complaints.clear()  # the browser tells of the connection that the test cut


def test_a_guest_sees_one_organization_and_no_button_that_would_fail(
    browser: Browser, server: Server, cast: Cast
) -> None:
    with desk(browser, server, cast.gita) as at:
        page = at.open("/organizations")
        assert (
            page.locator("[data-row]").all_inner_texts() == ["AC\nAcme Corporation"]
            or page.locator("[data-row]").count() == 1
        )
        assert page.get_by_role("link", name="New").count() == 0
        page.locator("[data-row]").click()
        page.get_by_role("heading", name="Acme Corporation").wait_for()
        assert page.locator("main form[method=post]").count() == 0
        assert page.get_by_role("link", name="History").count() == 0
        assert at.axe_everywhere() == []


def test_tasks_are_completed_by_keyboard_alone(ada: Desk, cast: Cast) -> None:
    for title in ("First", "Second"):
        cast.ada.made(
            "/api/tasks",
            title=title,
            organizationId=cast.acme,
            assigneeId=cast.ada.id,
            dueDate="2026-01-31",
        )
    page = ada.open("/tasks")
    page.keyboard.press("c")
    page.keyboard.type("Third")
    page.keyboard.press("Enter")
    ada.expect_toast("Added Third")
    page.get_by_role("heading", name="My tasks").focus()
    page.keyboard.press("j")
    assert "First" in ada.focus()
    page.keyboard.press("d")
    ada.expect_toast("First")
    ada.settled()
    assert "Second" in ada.focus(), "the next row has the focus"
    page.keyboard.press("d")
    ada.expect_toast("Second")
    ada.settled()
    open_ones = cast.ada.get("/api/tasks?status:not=completed").json()
    assert [task["title"] for task in open_ones] == ["Third"]
    page.keyboard.press("z")
    ada.settled()
    expect(page.locator("[data-row]").filter(has_text="Second")).to_have_count(1)


def test_a_file_is_dropped_and_previewed(ada: Desk, cast: Cast) -> None:
    page = ada.open(f"/organizations/{cast.acme}/documents")
    page.evaluate(
        """() => {
            const carried = new DataTransfer();
            carried.items.add(new File(["Plums in the icebox"], "plums.txt", {type: "text/plain"}));
            window.drag = (name) => document.querySelector(".drop").dispatchEvent(
                new DragEvent(name, {bubbles: true, cancelable: true, dataTransfer: carried}));
        }"""
    )
    page.wait_for_function("() => !drag('dragover')", polling=100)  # the page takes files
    page.evaluate("() => drag('drop')")
    page.get_by_role("link", name="plums.txt").first.click()
    page.get_by_role("heading", name="plums.txt").wait_for()
    expect(page.get_by_role("region", name="Preview")).to_contain_text("Plums in the icebox")
    assert ada.axe_everywhere() == []


def test_a_person_is_added_with_a_role_which_then_changes(ada: Desk, cast: Cast) -> None:
    cast.ada.made(
        "/api/contacts", fullName="Willem Weber", email="willem@acme.example", type="client"
    )
    page = ada.open(f"/organizations/{cast.acme}/members")
    line = page.get_by_role("form", name="Add a contact")
    line.get_by_label("Name or e-mail of a contact").fill("Willem Weber")
    line.get_by_label("Role").select_option("billing_contact")
    line.get_by_role("button").last.click()
    ada.expect_toast("Willem Weber")
    row = page.locator("li, tr").filter(has_text="Willem Weber").first
    row.get_by_role("combobox").select_option("stakeholder")
    ada.expect_toast("Made Willem Weber stakeholder")
    roles = {m["role"] for m in cast.ada.get(f"/api/organizations/{cast.acme}/members").json()}
    assert roles == {"member", "stakeholder"}
    page.locator("#toasts .undo").first.click()
    expect(row.get_by_role("combobox")).to_have_value("billing_contact")
    roles = {m["role"] for m in cast.ada.get(f"/api/organizations/{cast.acme}/members").json()}
    assert roles == {"member", "billing_contact"}


def test_history_reverts_one_change(ada: Desk, cast: Cast) -> None:
    cast.cora.put(f"/api/organizations/{cast.acme}", {"industry": "Rockets"})
    page = ada.open(f"/organizations/{cast.acme}/history")
    entry = page.locator("li").filter(has_text="Rockets").first
    expect(entry).to_contain_text("Cora")
    entry.get_by_role("button", name=re.compile("Undo|Revert")).click()
    ada.settled()
    assert cast.ada.get(f"/api/organizations/{cast.acme}").json()["industry"] is None


def test_a_row_is_deleted_by_its_key_and_comes_back_after_the_message_is_gone(
    ada: Desk, cast: Cast
) -> None:
    page = ada.open("/organizations")
    page.locator("[data-row]").first.focus()
    page.keyboard.press("ControlOrMeta+Backspace")
    ada.expect_toast("Deleted Acme Corporation")
    expect(page.get_by_role("link", name="Acme Corporation")).to_have_count(0)
    ada.settled()
    assert "Globex" in ada.focus(), "the row that took its place has the focus"
    assert page.url.endswith("/organizations")
    page.get_by_text("Deleted Acme Corporation").wait_for(state="hidden", timeout=15_000)
    page.keyboard.press("z")
    ada.expect_toast("Undid deleting Acme Corporation")
    expect(page.locator("#toasts [data-toast]")).to_have_count(
        1
    )  # what is undone offers Undo no more
    assert cast.ada.get(f"/api/organizations/{cast.acme}").status_code == 200


def test_every_noun_is_added_from_the_new_menu(ada: Desk) -> None:
    page = ada.open("/roles")
    page.keyboard.press("n")
    page.get_by_role("dialog").get_by_role("link", name="Contact").click()
    page.get_by_role("heading", name="New contact").wait_for()
    assert ada.axe_everywhere() == []
