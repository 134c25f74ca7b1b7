"""Users and roles: invitations, roles, disabling, sessions."""

import re
from typing import Any

from support.cast import Cast, Person
from support.pages.accounts import NEW_PASSWORD, followed, invite, link_in, toast
from support.pages.sitemap import FORM, HTML, check, get, post


def test_an_invitation_shows_its_link_once_and_nowhere_else(cast: Cast) -> None:
    answer, username = invite(cast)
    check(answer.text)
    link = link_in(answer.text)
    token = link.partition("token=")[2]
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert token not in str(answer.headers)
    id = next(u["id"] for u in cast.ada.get("/api/users").json() if u["username"] == username)
    for path in ("/users", f"/users/{id}", "/audit"):
        assert token not in get(cast.ada, path).text
    in_dialog = post_in_dialog(cast.ada, f"/users/{id}/link")
    assert "<html" not in in_dialog.text
    assert link_in(in_dialog.text) != link
    assert (
        cast.client.post("/api/setup", json={"token": token, "password": NEW_PASSWORD}).status_code
        == 422
    ), "replaced"


def post_in_dialog(person: Person, path: str, **fields: str) -> Any:
    headers = HTML | FORM | {"HX-Request": "true", "HX-Target": "div#dialog-body"}
    return person.request("POST", path, headers=headers, data=fields, follow_redirects=False)


def test_a_refused_invitation_keeps_the_typed_fields(cast: Cast) -> None:
    invite(cast)
    again, username = invite(cast)
    assert again.status_code == 409
    assert f'value="{username}"' in again.text
    assert 'value="Uma Ulmer"' in again.text
    unknown = post(
        cast.ada,
        "/users",
        username="v@example.com",
        fullName="V",
        role="guest",
        contact="no@no.example",
    )
    assert "This is no contact&#39;s e-mail address" in unknown.text
    bad = post(cast.ada, "/users", username="v", fullName="", role="king", contact="")
    assert (bad.status_code, bad.text.count('class="error"')) == (422, 3)


def test_a_guest_is_invited_as_a_contact(cast: Cast) -> None:
    email = cast.ada.get(f"/api/contacts/{cast.gita_contact}").json()["email"]
    post(
        cast.ada,
        "/users",
        username=f"g{cast.tenant}@example.com",
        fullName="G",
        role="guest",
        contact=email.upper(),
    )
    (user,) = (u for u in cast.ada.get("/api/users").json() if u["fullName"] == "G")
    assert user["contactId"] == cast.gita_contact
    page = get(cast.ada, f"/users/{user['id']}").text
    assert f'href="/contacts/{cast.gita_contact}"' in page
    assert post(cast.ada, f"/users/{user['id']}", contact="").status_code == 303
    assert cast.ada.get(f"/api/users/{user['id']}").json()["contactId"] is None


def test_the_list_of_users_is_filtered(cast: Cast) -> None:
    def names(query: str) -> list[str]:
        return re.findall(
            r'data-row><span class="tile[^>]*>\w+</span><span>(\w+)',
            get(cast.ada, f"/users?{query}").text,
        )

    assert set(names("")) == {"Ada", "Cora", "Stan", "Gita", "Sam"}
    assert names("q=STÁN") == ["Stan"]
    assert names("q=cora.") == ["Cora"]
    assert names("q=%25") == []
    assert set(names("role:in=staff")) == {"Stan", "Sam"}
    assert names("isActive=false") == []
    assert len(names("lastLoginAt:null=true")) == 5
    assert "No users match." in get(cast.ada, "/users?q=nobody").text


def test_a_users_role_is_changed_but_not_the_last_administrators(cast: Cast) -> None:
    answer = post(cast.ada, f"/users/{cast.sam.id}", role="consultant")
    assert toast(followed(cast.ada, answer).text) == "Changed role of Sam"
    assert get(cast.sam, "/organizations").status_code == 303, "a new role ends sessions"
    refused = post(cast.ada, f"/users/{cast.ada.id}", role="guest")
    assert refused.status_code == 409
    assert "would leave nobody who can administer" in refused.text
    check(refused.text)
    stays = post(cast.ada, f"/users/{cast.ada.id}/disable")
    assert stays.status_code == 409
    assert "would leave nobody who can administer" in stays.text
    assert cast.ada.get(f"/api/users/{cast.ada.id}").json()["role"] == "admin"


def test_disabling_a_user_asks_for_the_name_and_ends_the_sessions(cast: Cast) -> None:
    path = f"/users/{cast.stan.id}"
    asked = get(cast.ada, f"{path}/disable").text
    assert "Disable Stan?" in asked
    assert get(cast.stan, "/organizations").status_code == 200, "asking does nothing"
    answer = post(cast.ada, f"{path}/disable")
    assert toast(followed(cast.ada, answer).text) == "Disabled Stan and ended their sessions"
    assert get(cast.stan, "/organizations").status_code == 303
    disabled = get(cast.ada, path).text
    assert "Enable Stan" in disabled
    assert "Make a new link" not in disabled
    refused = post(cast.ada, f"{path}/link")
    assert refused.status_code == 409
    assert "is disabled" in refused.text
    assert toast(followed(cast.ada, post(cast.ada, f"{path}/enable")).text) == "Enabled Stan"


def test_all_sessions_of_a_user_are_ended(cast: Cast) -> None:
    answer = post(cast.ada, f"/users/{cast.gita.id}/sessions/end")
    assert toast(followed(cast.ada, answer).text) == "Ended all sessions of Gita"
    assert get(cast.gita, "/organizations").status_code == 303


def test_a_user_changed_meanwhile_is_shown_as_a_conflict(cast: Cast) -> None:
    path = f"/users/{cast.sam.id}"
    version = re.findall(r'name="version" value="([^"]+)"', get(cast.ada, path).text)[0]
    cast.ada.put(f"/api{path}", {"fullName": "Samuel"})
    clash = post(cast.ada, path, fullName="Sammy", version=version)
    assert clash.status_code == 409
    assert "Samuel" in clash.text
    assert 'value="Sammy"' in clash.text


def test_a_users_page_shows_the_history(cast: Cast) -> None:
    path = f"/users/{cast.sam.id}"
    email = cast.ada.get(f"/api/contacts/{cast.gita_contact}").json()["email"]
    post(cast.ada, path, contact=email)
    post(cast.ada, path, role="guest")
    text = re.sub(r"\s+", " ", get(cast.ada, path).text)
    assert "changed contact <ins>Gita</ins>" in text
    assert "changed role <del>staff</del> → <ins>guest</ins>" in text


def test_the_roles_page_is_drawn_from_the_permissions(cast: Cast) -> None:
    from retainer.permissions import PERMISSIONS

    text = get(cast.ada, "/roles").text
    for rule in PERMISSIONS.values():
        assert rule.sentence in text.replace("&#39;", "'")
    ticks = sum(len(rule.roles) for rule in PERMISSIONS.values())
    assert text.count('<span class="sr">yes</span>') == ticks
    assert text.count('<span class="sr">no</span>') == 4 * len(PERMISSIONS) - ticks
