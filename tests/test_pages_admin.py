"""One's own profile, saved views, users and roles, the audit, the trash, and links without scripts."""

import re
from typing import Any

import pytest

from conftest import PASSWORD, Cast, Person
from test_pages import FORM, HTML, check, get, post

NEW_PASSWORD = "plums in the icebox"


def followed(person: Person, answer: Any) -> Any:
    """The page that a form leads to, with what it was told to tell."""
    assert answer.status_code == 303, answer.text[-2000:]
    told = answer.headers.get("set-cookie", "").partition(";")[0]
    cookie = f"connect.sid={person.token}; {told}"
    return person.get(
        answer.headers["location"], headers=HTML | {"Cookie": cookie}, follow_redirects=False
    )


def toast(text: str) -> str:
    found = re.search(r"data-toast>\s*<span>([^<]*)</span>", text)
    return found[1] if found else ""


def invite(cast: Cast, name: str = "Uma Ulmer", **more: str) -> tuple[Any, str]:
    """Uma is invited; the answer, and her username."""
    username = f"uma{cast.tenant}@example.com"
    return post(
        cast.ada, "/users", username=username, fullName=name, role="staff", contact="", **more
    ), username


def link_in(text: str) -> str:
    return re.findall(r'value="(http[^"]*/setup#token=[\w-]+)"', text)[0]


class Guest:
    """Somebody with the cookie that an answer set."""

    def __init__(self, cast: Cast, answer: Any) -> None:
        self.person = Person(cast.client, cast.tenant, 0, "", answer.cookies.get("connect.sid"))


# ---------------------------------------------------------------- the profile


@pytest.mark.parametrize(
    ("field", "value", "mark"),
    [
        ("theme", "dark", 'data-theme="dark"'),
        ("density", "comfortable", 'data-density="comfortable"'),
        ("shortcuts", "false", 'data-shortcuts="off"'),
    ],
)
def test_a_preference_acts_on_the_next_page(cast: Cast, field: str, value: str, mark: str) -> None:
    page = followed(cast.gita, post(cast.gita, "/profile", **{field: value}))
    assert mark in page.text
    assert re.match("Changed your|Turned single-key shortcuts off", toast(page.text))
    assert "Undo" not in page.text, "an account is no record that is undone"


def test_a_preference_sends_its_form_past_htmx(cast: Cast) -> None:
    """What it changes stands outside of what htmx replaces."""
    page = get(cast.ada, "/profile").text
    for name in ("theme", "density", "shortcuts"):
        form = re.search(rf'<form[^>]*>(?:(?!</form>).)*name="{name}"', page, re.DOTALL)
        assert form is not None
        assert 'hx-boost="false"' in form[0].partition(">")[0]


def test_name_and_time_zone(cast: Cast) -> None:
    page = followed(cast.stan, post(cast.stan, "/profile", fullName="Stanislav"))
    assert toast(page.text) == "Changed your full name"
    assert page.text.count("Stanislav") >= 2, "beside the menu too"
    post(cast.stan, "/profile", timeZone="Asia/Tokyo")
    assert cast.stan.get("/api/user").json()["timeZone"] == "Asia/Tokyo"
    post(cast.stan, "/profile", timeZone="")
    assert cast.stan.get("/api/user").json()["timeZone"] != "Asia/Tokyo"
    wrong = post(cast.stan, "/profile", fullName=" ")
    assert wrong.status_code == 422
    assert "This must" in wrong.text


def test_sessions_are_told_apart_and_ended(cast: Cast) -> None:
    other = cast.client.post(
        "/api/login", json={"username": "root@example.com", "password": PASSWORD}
    )
    cast.client.cookies.clear()
    root = Person(cast.client, 0, 0, "", other.cookies["connect.sid"])
    one = cast.client.post(
        "/api/login", json={"username": "root@example.com", "password": PASSWORD}
    ).cookies
    cast.client.cookies.clear()
    sessions = root.get("/api/user/sessions").json()
    mine = next(s["id"] for s in sessions if s["current"])
    newest = max(s["id"] for s in sessions)
    page = get(root, "/profile").text
    assert page.count("This one") == 1
    answer = post(root, f"/profile/sessions/{newest}/end")
    assert toast(followed(root, answer).text) == "Ended the session"
    assert get(Person(cast.client, 0, 0, "", one["connect.sid"]), "/profile").status_code == 303
    answer = post(root, f"/profile/sessions/{mine}/end")
    assert answer.headers["location"] == "/login"
    assert "connect.sid=;" in answer.headers["set-cookie"]


def test_the_password_is_changed_by_who_knows_it(cast: Cast) -> None:
    answer, username = invite(cast)
    set_up = cast.client.post(
        "/setup", data={"link": link_in(answer.text), "password": NEW_PASSWORD, "again": NEW_PASSWORD},
        headers=HTML | FORM, follow_redirects=False,
    )  # fmt: skip
    uma = Guest(cast, set_up).person
    cast.client.cookies.clear()
    form = get(uma, "/profile/password").text
    check(form)
    wrong = post(
        uma, "/profile/password", currentPassword="x", newPassword="password", again="password"
    )
    assert wrong.status_code == 422
    assert "This is not your password." in wrong.text
    assert "most common passwords" in wrong.text
    unlike = post(
        uma,
        "/profile/password",
        currentPassword=NEW_PASSWORD,
        newPassword="three plums",
        again="two plums",
    )
    assert "This differs from the new password." in unlike.text
    assert NEW_PASSWORD not in unlike.text, "no password is sent back"
    done = post(
        uma,
        "/profile/password",
        currentPassword=NEW_PASSWORD,
        newPassword="three plums",
        again="three plums",
    )
    assert toast(followed(uma, done).text).startswith("Changed your password")
    assert (
        cast.client.post(
            "/api/login", json={"username": username, "password": "three plums"}
        ).status_code
        == 200
    )
    cast.client.cookies.clear()


# ---------------------------------------------------------------- signing in and out


def test_one_learns_why_one_meets_the_login(cast: Cast) -> None:
    assert "Sign in to open that page." in get(cast.nobody, "/login?next=/tasks").text
    assert 'class="notice' not in get(cast.nobody, "/login").text
    ended = Person(cast.client, 0, 0, "", "of-a-session-that-was-ended")
    text = get(ended, "/login?next=/tasks").text
    assert "Your session has ended." in text
    assert "24 hours" in text
    assert "an administrator" in text
    out = post(cast.stan, "/logout")
    assert out.headers["location"] == "/login"
    told = [h for h in out.headers.get_list("set-cookie") if h.startswith("retainer.done=")]
    login = cast.client.get("/login", headers=HTML | {"Cookie": told[0].partition(";")[0]})
    assert toast(login.text) == "You are signed out"
    cast.client.cookies.clear()


# ---------------------------------------------------------------- a link without scripts


def test_a_link_works_without_scripts(cast: Cast) -> None:
    page = cast.client.get("/setup", headers=HTML)
    assert page.status_code == 200
    assert 'method="post"' in page.text
    link = link_in(invite(cast)[0].text)

    def sent(**fields: str) -> Any:
        return cast.client.post("/setup", data=fields, headers=HTML | FORM, follow_redirects=False)

    broken = sent(link="https://x.example/setup", password=NEW_PASSWORD, again="other")
    assert broken.status_code == 422
    assert "The link is incomplete" in broken.text
    assert "This differs from the first one." in broken.text
    assert "no-store" in broken.headers["cache-control"]
    weak = sent(link=link, password="password", again="password")
    assert "The password is one of the most common passwords" in weak.text
    assert link in weak.text, "need not be pasted again"
    assert sent().status_code == 422
    done = sent(link=f" {link}\n", password=NEW_PASSWORD, again=NEW_PASSWORD)
    assert (done.status_code, done.headers["location"]) == (303, "/organizations")
    cast.client.cookies.clear()
    used = sent(link=link.partition("token=")[2], password=NEW_PASSWORD, again=NEW_PASSWORD)
    assert "ask an administrator for a new link" in used.text
    assert (
        cast.client.post(
            "/setup", headers=HTML | {"Content-Type": "multipart/form-data; boundary=x"}
        ).status_code
        == 415
    )


# ---------------------------------------------------------------- saved views


def test_a_view_is_saved_shown_changed_and_deleted(cast: Cast) -> None:
    address = "/organizations?status:in=active&sort=-updatedAt"
    bar = get(cast.cora, address).text
    dialog = re.findall(r'href="(/views/new[^"]*)"', bar)[0].replace("&amp;", "&")
    form = get(cast.cora, dialog)
    check(form.text)
    assert "Status active · sorted by updated at, downwards" in form.text
    query = re.findall(r'name="query" value="([^"]*)"', form.text)[0].replace("&amp;", "&")
    made = post(
        cast.cora, "/views", noun="organizations", query=query, name="Ours", isShared="true"
    )
    page = followed(cast.cora, made)
    assert (made.headers["location"], toast(page.text)) == (address, "Saved the view Ours")
    assert "/undo" in page.text
    assert "Update view" in page.text
    assert "Save view" not in page.text
    id = int(re.findall(r'href="/views/(\d+)"', page.text)[0])
    twice = post(cast.cora, "/views", noun="organizations", query="", name="OURS")
    assert (twice.status_code, 'value="OURS"' in twice.text) == (409, True)
    assert "already the name of another view" in twice.text
    changed = post(cast.cora, f"/views/{id}", name="Ours, by name", isShared="false")
    assert cast.cora.get(f"/api/views/{id}").json() | {
        "name": "Ours, by name",
        "isShared": False,
    } == (cast.cora.get(f"/api/views/{id}").json())
    assert changed.headers["location"] == address
    other = get(cast.cora, "/views/new?noun=organizations&query=type%3Dvendor").text
    assert f'action="/views/{id}"' in other
    moved = post(cast.cora, f"/views/{id}", query="type=vendor")
    assert moved.headers["location"] == "/organizations?type=vendor"
    gone = post(cast.cora, f"/views/{id}/delete", back=address)
    assert gone.headers["location"] == address
    assert toast(followed(cast.cora, gone).text) == "Deleted the view Ours, by name"
    assert cast.cora.get(f"/api/views/{id}").status_code == 404


def test_nobody_is_offered_an_undo_that_would_be_refused(cast: Cast) -> None:
    made = post(cast.gita, "/views", noun="tasks", query="status=todo", name="Mine")
    page = followed(cast.gita, made).text
    assert toast(page) == "Saved the view Mine"
    assert "/undo" not in page


def test_a_broken_view_is_refused_in_words(cast: Cast) -> None:
    broken = post(cast.cora, "/views", noun="organizations", query="colour=red", name="Red")
    assert broken.status_code == 422
    assert "colour" in broken.text
    assert get(cast.cora, "/views/new?noun=nothing").status_code == 404
    assert post(cast.cora, "/views", noun="nothing", name="x").status_code == 404
    unnamed = post(cast.cora, "/views", noun="organizations", query="type=vendor", name=" ")
    assert 'id="error-name"' in unnamed.text
    assert 'value="type=vendor"' in unnamed.text


def test_shared_views_are_changed_by_owner_and_admins(cast: Cast) -> None:
    id = cast.cora.made(
        "/api/views", noun="tasks", name="All of ours", query="status=todo", isShared=True
    )["id"]
    theirs = get(cast.stan, "/views").text
    assert "All of ours" in theirs
    assert "Shared by Cora" in theirs
    assert f"/views/{id}/delete" not in theirs
    assert get(cast.stan, f"/views/{id}").status_code == 403
    assert post(cast.stan, f"/views/{id}", name="Mine").status_code == 403
    assert "All of ours" not in get(cast.gita, "/views").text
    assert f"/views/{id}/delete" in get(cast.ada, "/views").text
    assert "Share it" not in get(cast.gita, "/views/new?noun=tasks&query=").text
    assert post(cast.ada, f"/views/{id}", name="The consultancy's").status_code == 303


# ---------------------------------------------------------------- users


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


def test_an_invitation_that_is_wrong_keeps_what_was_typed(cast: Cast) -> None:
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


def test_users_are_filtered(cast: Cast) -> None:
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


def test_a_role_is_changed_and_the_last_admin_stays(cast: Cast) -> None:
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


def test_disabling_is_asked_for_by_name_and_ends_sessions(cast: Cast) -> None:
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


def test_a_user_changed_meanwhile_is_a_question(cast: Cast) -> None:
    path = f"/users/{cast.sam.id}"
    version = re.findall(r'name="version" value="([^"]+)"', get(cast.ada, path).text)[0]
    cast.ada.put(f"/api{path}", {"fullName": "Samuel"})
    clash = post(cast.ada, path, fullName="Sammy", version=version)
    assert clash.status_code == 409
    assert "Samuel" in clash.text
    assert 'value="Sammy"' in clash.text


def test_a_users_history_is_told(cast: Cast) -> None:
    path = f"/users/{cast.sam.id}"
    email = cast.ada.get(f"/api/contacts/{cast.gita_contact}").json()["email"]
    post(cast.ada, path, contact=email)
    post(cast.ada, path, role="guest")
    text = re.sub(r"\s+", " ", get(cast.ada, path).text)
    assert "changed contact <ins>Gita</ins>" in text
    assert "changed role <del>staff</del> → <ins>guest</ins>" in text


def test_roles_are_drawn_from_the_rules(cast: Cast) -> None:
    from retainer.permissions import PERMISSIONS

    text = get(cast.ada, "/roles").text
    for rule in PERMISSIONS.values():
        assert rule.sentence in text.replace("&#39;", "'")
    ticks = sum(len(rule.roles) for rule in PERMISSIONS.values())
    assert text.count('<span class="sr">yes</span>') == ticks
    assert text.count('<span class="sr">no</span>') == 4 * len(PERMISSIONS) - ticks


# ---------------------------------------------------------------- the audit


def test_the_audit_tells_changes_sign_ins_and_refusals(cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"industry": "Energy"})
    assert post(cast.gita, f"/organizations/{cast.acme}", industry="Mine").status_code == 403
    post(cast.ada, f"/users/{cast.sam.id}/link")
    post(cast.ada, f"/users/{cast.sam.id}/disable")
    text = re.sub(r"\s+", " ", get(cast.ada, "/audit").text)
    assert f'changed industry of <a href="/organizations/{cast.acme}">Acme Corporation</a>' in text
    assert "was refused: “Update an organization”" in text
    assert "made a password link for Sam" in text
    assert f'disabled <a href="/users/{cast.sam.id}">Sam</a>' in text
    refused = get(cast.ada, f"/audit?outcome=refused&actorId={cast.gita.id}&via=web").text
    assert refused.count('<tr id="row-') == 1, "what pages refuse is told as theirs"
    assert get(cast.ada, "/audit?outcome=refused&via=api").text.count('<tr id="row-') == 0
    assert (
        get(cast.ada, "/audit?action=updateOrganization&since=-1d").text.count('<tr id="row-') == 1
    )
    assert "Nothing like that was done." in get(cast.ada, "/audit?until=2020-01-01").text
    assert get(cast.ada, "/audit?since=never").status_code == 422


def test_the_audit_leads_to_what_was_changed(cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"industry": "Energy"})
    path = re.findall(r'href="(/operations/\d+)"', get(cast.ada, "/audit").text)[0]
    assert "<ins>Energy</ins>" in get(cast.ada, path).text


def test_the_audit_is_exported_as_it_is_filtered(cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"industry": "Energy"})
    answer = get(cast.ada, "/audit/export?action=updateOrganization")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")
    lines = answer.text.splitlines()
    assert (lines[0].split(",")[:3], len(lines)) == (["id", "at", "action"], 2)


def test_signing_in_on_the_page_is_told_as_that(cast: Cast) -> None:
    link = link_in(invite(cast)[0].text)
    sent = {"link": link, "password": NEW_PASSWORD, "again": NEW_PASSWORD}
    cast.client.post("/setup", data=sent, headers=HTML | FORM, follow_redirects=False)
    cast.client.cookies.clear()
    username = f"uma{cast.tenant}@example.com"
    for password in ("wrong password", NEW_PASSWORD):
        login = {"username": username, "password": password}
        cast.client.post("/login", data=login, headers=HTML | FORM, follow_redirects=False)
        cast.client.cookies.clear()
    operations = cast.ada.get("/api/operations?action=login").json()
    assert [(o["via"], o["outcome"]) for o in operations] == [("web", "done"), ("web", "refused")]
    text = get(cast.ada, "/audit?action=login").text
    assert "signed in" in text
    assert "tried to sign in" in text


# ---------------------------------------------------------------- the trash


def test_a_deleted_tree_is_restored_from_the_trash(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.acme, title="Relaunch")["id"]
    cast.ada.made("/api/tasks", projectId=project, title="Draft")
    cast.cora.delete(f"/api/organizations/{cast.acme}")
    text = get(cast.ada, "/trash").text
    assert "Acme Corporation" in text
    assert "Cora" in text
    assert "4 records" in text
    form = re.search(
        r'action="(/operations/\d+/undo)">\s*<input type="hidden" name="back" value="([^"]+)"', text
    )
    assert form is not None
    answer = post(cast.ada, form[1], back=form[2])
    assert answer.headers["location"] == f"/organizations/{cast.acme}"
    page = followed(cast.ada, answer)
    assert "Acme Corporation" in toast(page.text)
    assert cast.ada.get(f"/api/organizations/{cast.acme}/members").json() != []
    assert cast.ada.get(f"/api/projects/{project}").status_code == 200
    assert "The trash is empty." in get(cast.ada, "/trash").text


def test_what_keeps_a_record_in_the_trash_is_named(cast: Cast) -> None:
    email = "kim@example.com"
    kim = cast.ada.made("/api/contacts", fullName="Kim", email=email, type="client")["id"]
    cast.ada.delete(f"/api/contacts/{kim}")
    cast.ada.made("/api/contacts", fullName="Another Kim", email=email, type="client")
    form = re.findall(
        r'action="(/operations/\d+/undo)"', get(cast.cora, "/trash?kind:in=contact").text
    )
    clash = post(cast.cora, form[-1], back="/trash")
    assert clash.status_code == 409
    assert "Deleting Kim cannot be undone as it is" in clash.text
    assert "is already the e-mail of another contact" in clash.text
    check(clash.text)


def test_the_trash_is_filtered_by_kind_and_person(cast: Cast) -> None:
    task = cast.ada.made("/api/tasks", organizationId=cast.acme, title="Draft")["id"]
    cast.ada.delete(f"/api/tasks/{task}")
    cast.cora.delete(f"/api/organizations/{cast.globex}")
    cast.ada.delete(f"/api/organizations/{cast.acme}/members/{cast.gita_contact}")
    assert get(cast.ada, "/trash").text.count('<tr id="row-') == 3
    assert "Draft" in get(cast.ada, "/trash?kind:in=task,document").text
    assert "Draft" not in get(cast.ada, f"/trash?actorId={cast.cora.id}").text
    assert "Nothing of that kind was deleted." in get(cast.ada, "/trash?kind:in=document").text
    members = get(cast.ada, "/trash?kind:in=member").text
    assert f'value="/organizations/{cast.acme}/members"' in members


def test_what_one_request_deleted_is_restored_as_one(cast: Cast) -> None:
    lines = "\n".join(
        f'{{"method": "DELETE", "path": "/organizations/{id}"}}' for id in (cast.acme, cast.globex)
    )  # fmt: skip
    done = cast.ada.request(
        "POST", "/api/bulk", content=lines, headers={"Content-Type": "application/x-ndjson"}
    )
    assert done.status_code == 200, done.text
    text = get(cast.ada, "/trash").text
    assert text.count("Restore all 2") == 2
