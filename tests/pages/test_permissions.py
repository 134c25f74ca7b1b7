"""Pages and forms of contacts and projects, by role."""

import re

import pytest

from support.cast import Cast
from support.pages.forms import page, project, sent


def test_contacts_and_projects_are_shown_to_roles_that_see_them(cast: Cast) -> None:
    internal, client = (
        project(cast, title="Hidden"),
        project(cast, title="Shown", audience="client"),
    )
    stranger = cast.contact("Stranger")
    for person in (cast.ada, cast.cora, cast.stan, cast.gita, cast.sam):
        assert page(person, "/contacts").status_code == 200
        assert page(person, "/projects").status_code == 200
    for path in (
        "/contacts",
        f"/contacts/{stranger}",
        "/projects",
        f"/projects/{client}",
        "/contacts/export",
    ):
        answer = page(cast.nobody, path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?next=")
    assert [page(who, f"/contacts/{stranger}").status_code for who in (cast.cora, cast.stan, cast.gita, cast.olga)] == [
        200, 404, 404, 404,
    ]  # fmt: skip
    assert [page(who, f"/projects/{internal}").status_code for who in (cast.cora, cast.stan, cast.gita, cast.sam)] == [
        200, 200, 404, 404,
    ]  # fmt: skip
    assert page(cast.gita, f"/projects/{client}").status_code == 200
    assert "Hidden" not in page(cast.gita, "/projects").text


@pytest.mark.parametrize(
    "path",
    ["/contacts/new", "/contacts/{contact}/members", "/projects/new", "/projects/{project}/tasks"],
)
def test_dialogs_are_shown_to_roles_that_may_save_them(cast: Cast, path: str) -> None:
    path = path.format(contact=cast.gita_contact, project=project(cast, audience="client"))
    assert page(cast.cora, path).status_code == 200
    assert page(cast.gita, path).status_code == 403
    assert page(cast.nobody, path).status_code == 303


def buttons(text: str) -> set[tuple[str, str]]:
    """The targets of a page's forms that change something, and of its dialogs."""
    shown = text.partition("<main")[2].partition("</main>")[0]
    return set(re.findall(r'method="post" action="([^"]+)"|href="([^"]+)"[^>]* data-dialog', shown))


def test_guests_and_staff_see_no_button_that_would_fail(cast: Cast) -> None:
    id = project(cast, audience="client")
    member = f"/contacts/{cast.stan_contact}"
    for path in ("/contacts", member, "/projects", f"/projects/{id}"):
        assert buttons(page(cast.gita, path).text) == set()
    assert buttons(page(cast.stan, member).text) == set()
    assert buttons(page(cast.stan, f"/projects/{id}").text) == {(f"/projects/{id}/tasks", "")}
    assert {(f"{member}/delete", ""), ("", f"{member}/members")} <= buttons(
        page(cast.cora, member).text
    )
    assert (f"/projects/{id}/delete", "") in buttons(page(cast.cora, f"/projects/{id}").text)


def test_forms_refuse_roles_without_the_permission(cast: Cast) -> None:
    id, contact = project(cast, audience="client"), cast.gita_contact
    for path, fields in {
        "/contacts": {"fullName": "X", "email": "x@example.com", "type": "client"},
        f"/contacts/{contact}": {"title": "Boss"},
        f"/contacts/{contact}/delete": {},
        f"/contacts/{contact}/members": {"organizationId": cast.globex, "role": "member"},
        f"/contacts/{contact}/members/{cast.acme}": {"role": "stakeholder"},
        f"/contacts/{contact}/members/{cast.acme}/remove": {},
        "/projects": {"title": "X", "organizationId": cast.acme},
        f"/projects/{id}": {"title": "X"},
        f"/projects/{id}/delete": {},
        f"/projects/{id}/tasks": {"title": "X"},
    }.items():
        assert sent(cast.gita, path, **fields).status_code == 403, path
        assert sent(cast.nobody, path, **fields).status_code == 401, path
    assert (
        sent(cast.stan, f"/contacts/{contact}/members/{cast.globex}", role="member").status_code
        == 404
    )
