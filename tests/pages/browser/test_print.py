"""Paper says what a meeting needs: due dates, phone numbers, how much of a list it shows."""

import pytest
from playwright.sync_api import Browser, Page

from support.browser import Desk, desk
from support.cast import Cast, Person
from support.server import Server

pytestmark = pytest.mark.slow
WEBSITE = "https://acme.example.com/" + "a/very/long/way/" * 12


def printed(at: Desk, path: str) -> str:
    page: Page = at.open(path)
    page.set_viewport_size({"width": 690, "height": 1000})  # as A4 is
    page.emulate_media(media="print")
    return page.locator("body").inner_text()


def filled(cast: Cast) -> None:
    cast.ada.put(f"/api/contacts/{cast.gita_contact}", {"phone": "+41 44 555 01 02"})
    cast.ada.put(
        f"/api/organizations/{cast.acme}",
        {"website": WEBSITE, "tags": [f"Key account {n}" for n in range(12)]},
    )
    project = cast.ada.made("/api/projects", title="Roll-out", organizationId=cast.acme)["id"]
    for n in range(3):
        cast.ada.made("/api/tasks", title=f"Task {n}", assigneeId=cast.ada.id, projectId=project,
                      organizationId=cast.acme, dueDate=f"2027-02-0{n + 1}")  # fmt: skip


def test_tasks_print_with_their_due_dates(browser: Browser, server: Server, cast: Cast) -> None:
    filled(cast)
    project = cast.ada.get("/api/projects").json()[0]["id"]
    with desk(browser, server, cast.ada, latency=0) as at:
        for path in ("/tasks", f"/organizations/{cast.acme}/tasks", f"/projects/{project}"):
            text = printed(at, path)
            for day in ("1 Feb 2027", "2 Feb 2027", "3 Feb 2027"):
                assert day in text, path


@pytest.mark.parametrize("who", ["ada", "stan", "gita"])
def test_the_sheet_of_a_client_has_what_a_meeting_needs_for_everybody_who_sees_it(
    browser: Browser, server: Server, cast: Cast, who: str
) -> None:
    filled(cast)
    person: Person = getattr(cast, who)
    with desk(browser, server, person, latency=0) as at:
        text = printed(at, f"/organizations/{cast.acme}")
        contact = cast.ada.get(f"/api/contacts/{cast.gita_contact}").json()
        assert contact["email"] in text and "+41 44 555 01 02" in text
        assert WEBSITE in text.replace("\n", "")
        if who == "ada":
            assert "Key account 0\n" in text and "Key account 11" in text
        created = text.partition("Created")[2].strip().partition("\n")[0]
        assert created[-4:].isdigit(), "a date, not how long ago"
        at.page.emulate_media(media="screen")
        at.page.locator(".crumbs summary").click()
        assert at.page.get_by_role("button", name="Print client sheet").is_visible()


def test_a_list_prints_as_a_table_and_says_how_much_of_it_is_there(
    browser: Browser, server: Server, cast: Cast
) -> None:
    lines = [f'{{"method":"POST","path":"/tasks","body":{{"title":"T {n}"}}}}' for n in range(60)]
    answer = cast.ada.post(
        "/api/bulk", content="\n".join(lines), headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.status_code == 200
    filled(cast)
    with desk(browser, server, cast.ada, latency=0) as at:
        assert "50 of 63" in printed(at, "/tasks?sort=title")
        text = printed(at, "/contacts")
        assert "+41 44 555 01 02" in text and "@example.com" in text
        assert at.page.locator("thead").is_visible()
