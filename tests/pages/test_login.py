"""The login page and setup links, without scripts."""

import re
from typing import Any

from support.cast import Cast, Person
from support.pages.accounts import NEW_PASSWORD, invite, link_in, toast
from support.pages.sitemap import FORM, HTML, get, post


def test_the_login_page_says_why_it_is_shown(cast: Cast) -> None:
    assert "Sign in to open that page." in get(cast.nobody, "/login?next=/tasks").text
    assert 'class="notice' not in get(cast.nobody, "/login").text
    ended = Person(cast.client, 0, 0, "", "of-a-session-that-was-ended")
    text = get(ended, "/login?next=/tasks").text
    assert "Your session has ended." in text
    assert "24 hours" in text
    assert "an administrator" in text
    out = post(cast.stan, "/logout")
    assert out.headers["location"] == "/login"
    cookies = [h for h in out.headers.get_list("set-cookie") if h.startswith("retainer.done=")]
    login = cast.client.get("/login", headers=HTML | {"Cookie": cookies[0].partition(";")[0]})
    assert toast(login.text) == "You are signed out"
    cast.client.cookies.clear()


def test_a_setup_link_works_without_scripts(cast: Cast) -> None:
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
        == 400
    )


def test_a_script_whose_session_has_ended_is_not_sent_to_another_page(cast: Cast) -> None:
    part = {"Accept": "text/html", "HX-Request": "true"}
    for path in ("/choices?organization=a", "/organizations", "/organizations/duplicates?name=a"):
        answer = cast.nobody.get(path, headers=part, follow_redirects=False)
        assert answer.status_code == 401, path
        assert not {"location", "hx-redirect", "hx-location"} & answer.headers.keys()


def test_a_form_without_a_session_is_told_in_words_for_people(cast: Cast) -> None:
    answer = post(cast.nobody, "/activities", organizationId=cast.acme, kind="call", text="x")
    assert answer.status_code == 401
    assert "You are signed out" in answer.text and 'href="/login"' in answer.text
    for words in ("/api/", "cookie", "went wrong"):
        assert words not in answer.text


def test_signing_out_has_the_browser_forget_what_pages_kept(cast: Cast) -> None:
    for answer in (cast.stan.post("/api/logout"), post(cast.gita, "/logout")):
        assert answer.headers["clear-site-data"] == '"storage"'
    session = cast.ada.get("/api/user/sessions").json()[0]["id"]
    answer = post(cast.ada, f"/profile/sessions/{session}/end")
    assert answer.headers["clear-site-data"] == '"storage"'


def test_every_page_with_a_password_offers_to_show_it(cast: Cast) -> None:
    for who, path in (
        (cast.nobody, "/login"),
        (cast.nobody, "/setup"),
        (cast.cora, "/profile/password"),
        (cast.cora, "/profile/confirmation"),
    ):
        form = get(who, path).text.partition('class="form')[2].partition("</form>")[0]
        assert form.count("data-shows> Show password</label>") == 1, path
        passwords = re.findall(r'<input[^>]*type="password"[^>]*>', form)
        assert passwords
        assert all(re.search(r'autocomplete="[a-z]+-password"', one) for one in passwords), path
