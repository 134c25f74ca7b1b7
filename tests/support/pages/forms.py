"""Forms of contacts and projects, as a browser without scripts sends them."""

import re
from typing import Any

import httpx

from support.cast import Cast, Person

HTML = {"Accept": "text/html"}


def page(person: Person, path: str) -> httpx.Response:
    return person.get(path, headers=HTML, follow_redirects=False)


def sent(person: Person, path: str, **fields: Any) -> httpx.Response:
    form = {"Content-Type": "application/x-www-form-urlencoded"} if not fields else {}
    return person.post(path, data=fields, headers=HTML | form, follow_redirects=False)


def followed(person: Person, answer: httpx.Response) -> str:
    """The page that a form leads to, with its message and the offer of undo."""
    assert answer.status_code == 303, answer.text
    toast_cookie = answer.headers["set-cookie"].partition(";")[0]
    cookie = f"connect.sid={person.token}; {toast_cookie}"
    shown = person.get(answer.headers["location"], headers=HTML | {"Cookie": cookie})
    assert shown.status_code == 200
    return shown.text


def done(person: Person, answer: httpx.Response, words: str) -> str:
    text = followed(person, answer)
    assert words in text
    assert re.search(r'action="/operations/\d+/undo"', text)
    return text


def project(cast: Cast, **fields: Any) -> int:
    return int(
        cast.ada.made("/api/projects", **{"organizationId": cast.acme, "title": "Audit"} | fields)[
            "id"
        ]
    )
