"""Records that forms and filters name in words."""

import re

import pytest

from support.cast import Cast
from support.pages.tasks import main, page, sent


def organization(cast: Cast, name: str) -> int:
    return int(cast.ada.made("/api/organizations", name=name, type="customer")["id"])


def organization_of_task(cast: Cast, named: str) -> int | None:
    """The organization of a task that is added for the one of this name; None if it is refused."""
    answer = sent(cast.ada, "/tasks", title="T", organization=named)
    if answer.status_code == 422:
        return None
    task = answer.headers["location"]
    found: int = cast.ada.get(f"/api{task}").json()["organizationId"]
    return found


def test_a_name_that_ends_like_a_number_is_a_name(cast: Cast) -> None:
    store = organization(cast, f"Store #{cast.globex}")
    far = organization(cast, "Lonely #99999")
    named = f"Store #{cast.globex}"
    assert organization_of_task(cast, named) == store
    assert organization_of_task(cast, "Lonely #99999") == far
    answer = sent(cast.ada, "/projects", title="P", organization=named)
    assert cast.ada.get(f"/api{answer.headers['location']}").json()["organizationId"] == store
    answer = sent(cast.ada, "/activities", kind="note", text="Kept apart", organization=named)
    assert answer.headers["location"] == f"/organizations/{store}/activities"
    found = cast.ada.get(
        "/tasks", params={"organization": named}, headers={"Accept": "text/html"},
        follow_redirects=False,
    )  # fmt: skip
    assert found.headers["location"] == f"/tasks?organizationId={store}"


def test_a_number_counts_behind_the_name_of_its_record_alone(cast: Cast) -> None:
    twin = organization(cast, "Globex")
    assert organization_of_task(cast, f"Globex #{twin}") == twin
    assert organization_of_task(cast, f"globex  #{cast.globex}") == cast.globex
    for wrong in (f"Globex #{cast.acme}", f"Acme #{cast.globex}", f"#{cast.globex}", "Globex"):
        assert organization_of_task(cast, wrong) is None, wrong


def test_an_address_behind_a_name_is_read_for_contacts_alone(cast: Cast) -> None:
    named = organization(cast, "Acme <info@acme.example>")
    assert organization_of_task(cast, "Acme <info@acme.example>") == named
    email = cast.ada.get(f"/api/contacts/{cast.gita_contact}").json()["email"]
    members = f"/organizations/{cast.globex}/members"
    answer = sent(cast.ada, members, contact=f"Anybody <{email}>", role="member")
    assert answer.status_code == 303
    (member,) = cast.ada.get(f"/api{members}").json()
    assert member["contactId"] == cast.gita_contact


def test_a_contacts_name_that_ends_like_a_number_is_a_name(cast: Cast) -> None:
    desk = cast.contact(f"Desk #{cast.gita_contact}")
    members = f"/organizations/{cast.globex}/members"
    sent(cast.ada, members, contact=f"Desk #{cast.gita_contact}", role="member")
    (member,) = cast.ada.get(f"/api{members}").json()
    assert member["contactId"] == desk


def test_the_beginning_of_a_name_that_fits_one_record_alone_is_enough(cast: Cast) -> None:
    zephyr = organization(cast, "Zéphyr Wind")
    assert organization_of_task(cast, "zeph") == zephyr
    assert organization_of_task(cast, "wind zephyr") == zephyr
    organization(cast, "Zephyr Sails")
    assert organization_of_task(cast, "zeph") is None
    assert organization_of_task(cast, "zeph s") is not None
    assert organization_of_task(cast, "Zephir Wind") is None, "what only resembles it is offered"


def test_the_records_that_may_be_meant_are_told_apart(cast: Cast) -> None:
    for company in ("Acme", "Initech"):
        cast.ada.made(
            "/api/contacts", fullName="Ida Lang", email=f"ida@{company.lower()}.example",
            type="client", title="Buyer", company=company,
        )  # fmt: skip
    members = f"/organizations/{cast.globex}/members"
    answer = sent(cast.ada, members, contact="Ida Lang", role="member")
    assert answer.status_code == 422
    for company in ("Acme", "Initech"):
        assert f"ida@{company.lower()}.example, Buyer, {company}" in answer.text


@pytest.mark.parametrize("path", ["/organizations", "/tasks?sort=dueDate", "/organizations/{id}"])
def test_work_is_offered_to_colleagues_and_never_to_guests(cast: Cast, path: str) -> None:
    gone = cast.person("Aaron", "consultant")
    cast.ada.put(f"/api/users/{gone.id}", {"isActive": False})
    text = main(page(cast.ada, path.format(id=cast.acme)))
    (options, *_) = re.findall(
        r'<select[^>]*name="(?:ownerId|assigneeId)"[^>]*>(.*?)</select>', text, re.DOTALL
    )
    names = re.findall(r">\s*(\w[\w ()]*?)\s*<", options)
    assert "Gita" not in names
    assert names[-1] == "Aaron (disabled)"
    assert "Gita" in page(cast.ada, "/users"), "she is a user, and her name is shown elsewhere"
