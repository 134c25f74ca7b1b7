"""The login page and setup links, without scripts."""

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
