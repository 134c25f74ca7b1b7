"""Invitations, setup links and messages on the pages of accounts."""

import re
from typing import Any

from support.cast import Cast, Person
from support.pages.sitemap import HTML, post

NEW_PASSWORD = "plums in the icebox"


def followed(person: Person, answer: Any) -> Any:
    """The page that a form leads to, with its message."""
    assert answer.status_code == 303, answer.text[-2000:]
    toast_cookie = answer.headers.get("set-cookie", "").partition(";")[0]
    cookie = f"connect.sid={person.token}; {toast_cookie}"
    return person.get(
        answer.headers["location"], headers=HTML | {"Cookie": cookie}, follow_redirects=False
    )


def toast(text: str) -> str:
    found = re.search(r"data-toast>\s*<span>([^<]*)</span>", text)
    return found[1] if found else ""


def invite(cast: Cast, name: str = "Uma Ulmer", **more: str) -> tuple[Any, str]:
    """Invite Uma; the answer and her username."""
    username = f"uma{cast.tenant}@example.com"
    return post(
        cast.ada, "/users", username=username, fullName=name, role="staff", contact="", **more
    ), username


def link_in(text: str) -> str:
    return re.findall(r'value="(http[^"]*/setup#token=[\w-]+)"', text)[0]


class Guest:
    """A person with the cookie that an answer set."""

    def __init__(self, cast: Cast, answer: Any) -> None:
        self.person = Person(cast.client, cast.tenant, 0, "", answer.cookies.get("connect.sid"))
