"""Untrusted input on pages: texts that would be markup, addresses that lead away, forged input."""

import base64
import json
import random
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from retainer.http.routing import Route
from retainer.pages.routes import PAGES
from support.cast import Cast, Person
from support.pages.sitemap import FORM, HTML, SHOWN, get, path_of, post

pytestmark = pytest.mark.slow

PARTS = ("results", "duplicates", "contact-choices")
OWN = re.compile(r"(/(?![/\\])|#|\?|https?://[^\s/]|mailto:|tel:|data:,$).*|", re.DOTALL)
EVIL = "<b data-evil=1>'\" data-evil=2 {{7*7}}</textarea></title></script><svg/onload=evil()>&lt;javascript:evil()"

ELSEWHERE = [
    "https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:evil()", "/a\0", "/\x01",
    "\\\\evil.example", " //evil.example", "/a b", "/a\r\nset-cookie: a=b", "/\x85", "/\u202e", "/é",
]  # fmt: skip


class Links(HTMLParser):
    """The targets of a page's links and forms, and markup that no template writes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.foreign: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src", "action", "formaction", "data-href", "hx-get", "hx-post"):
                self.addresses.append(value or "")
            if "evil" in name or name.startswith("on") or (tag == "b" and name != "class"):
                self.foreign.append(f"{tag} {name}")


def check(text: str) -> None:
    found = Links(text)
    assert found.foreign == []
    assert [one for one in found.addresses if not OWN.fullmatch(one)] == []


def evil_records(cast: Cast) -> None:
    """One of each noun, with markup in every field that takes it; each client's people see them."""
    ada = cast.ada
    ada.put(
        f"/api/organizations/{cast.acme}",
        {
            "name": EVIL, "industry": EVIL, "website": "javascript:evil()", "description": EVIL, "externalId": EVIL[:90],
            "tags": ["<b data-evil>"], "metadata": {EVIL: EVIL},
        },
    ).raise_for_status()  # fmt: skip
    contact = f"/api/contacts/{cast.gita_contact}"
    named = {
        "fullName": EVIL,
        "email": f'"><b/data-evil=1>{cast.gita_contact}@x.example',
        "company": EVIL,
    }
    more = {"mentionName": EVIL, "title": EVIL, "department": EVIL, "phone": "+1 <b> 2"}
    ada.put(
        contact, named | {name: text for name, text in more.items() if name != "phone"}
    ).raise_for_status()
    project = ada.made(
        "/api/projects",
        organizationId=cast.acme,
        title=EVIL,
        description=EVIL,
        audience="client",
        status="active",
    )["id"]
    task = ada.made(
        "/api/tasks", projectId=project, title=EVIL, description=EVIL, audience="client"
    )["id"]
    ada.put(
        f"/api/tasks/{task}", {"title": EVIL + "2", "description": "a\n\n" + EVIL}
    ).raise_for_status()
    url = "https://x.example/\"'><b/data-evil=1>"
    ada.made(
        "/api/documents",
        name=EVIL,
        url=url,
        description=EVIL,
        organizationId=cast.acme,
        audience="client",
    )
    ada.made(
        f"/api/organizations/{cast.acme}/activities",
        text=EVIL,
        contactIds=[cast.gita_contact],
        audience="client",
    )
    cast.asking.made(
        "/api/views", noun="tasks", name=EVIL, query=urlencode({"q": EVIL}), isShared=False
    )
    cast.asking.put("/api/user", {"fullName": EVIL}).raise_for_status()


def newest(cast: Cast, route: Route) -> str:
    """The page with the newest of the viewer's records, which are the hostile ones."""
    noun = route.path.split("/")[1]
    if route.parameters and noun in (
        "projects",
        "tasks",
        "documents",
        "activities",
        "views",
        "operations",
    ):
        rows = (
            []
            if route.permission == "history.read" and cast.asking is cast.gita
            else cast.asking.get(
                f"/api/{noun}?limit=1" + ("" if noun == "views" else "&sort=-id")
            ).json()
        )
        if rows:
            return route.path.replace("{id}", str(rows[0]["id"])).replace("{number}", "1")
    return path_of(cast, route)


@pytest.mark.parametrize("who", ["ada", "gita"])
def test_typed_texts_are_escaped_on_every_page(cast: Cast, who: str) -> None:
    cast.asking = getattr(cast, who)
    evil_records(cast)
    asked = [
        urlencode({"q": EVIL}),
        urlencode({"back": EVIL, "name": EVIL, "query": EVIL, "noun": "tasks"}),
    ]
    for route in SHOWN:
        path = newest(cast, route)
        for query in ["", *(["?" + one for one in asked] if "?" not in path else [])]:
            answer = get(cast.asking, path + query)
            assert answer.status_code < 500, (route.path, query)
            check(answer.text if "html" in answer.headers.get("content-type", "") else "")
        for target in PARTS:
            headers = {"HX-Request": "true", "HX-Target": f"div#{target}"}
            part = get(cast.asking, f"{path}?{asked[0]}" if "?" not in path else path, **headers)
            assert part.status_code < 500, (route.path, target)
            check(part.text if "html" in part.headers.get("content-type", "") else "")


@pytest.mark.parametrize("path", ELSEWHERE)
def test_no_page_leads_to_another_site(cast: Cast, path: str) -> None:
    for page in ("/documents/new", "/tasks/new", "/activities/new", "/projects/new", "/login"):
        text = cast.ada.get(
            f"{page}?{urlencode({'back': path, 'next': path})}",
            headers=HTML,
            follow_redirects=False,
        )
        check(text.text)
        assert text.headers.get("location", "/organizations") == "/organizations"
    signed_in = post(cast.nobody, "/login", username=cast.ada.username, password="wrong", next=path)
    check(signed_in.text)
    answer = post(cast.ada, f"/organizations/{cast.acme}", industry="Energy", back=path)
    assert answer.headers["location"] == f"/organizations/{cast.acme}"
    dialog = HTML | FORM | {"HX-Request": "true", "HX-Target": "div#dialog-body"}
    there = cast.ada.request(
        "POST", f"/organizations/{cast.acme}", headers=dialog, data={"name": "B", "back": path}
    )
    assert f'"path":"/organizations/{cast.acme}"' in there.headers["hx-location"]


@pytest.mark.parametrize(
    "cookie", ["W10", "bnVsbA", "_w", "A", "A" * 4000, "WyJcdWQ4MDAiLDFd", "WyI8YiBkYXRhLWV2aWw-Iiw5OTk5OTk5OTk5OTk5OTk5OTk5LG51bGxd"]
)  # fmt: skip
def test_a_forged_message_cookie_is_shown_as_text_or_ignored(cast: Cast, cookie: str) -> None:
    answer = get(
        cast.ada, "/contacts", Cookie=f"connect.sid={cast.ada.token}; retainer.done={cookie}"
    )
    assert answer.status_code == 200
    check(answer.text)


def test_a_message_is_shown_to_its_own_user_and_as_it_was_signed_alone(cast: Cast) -> None:
    made = post(cast.cora, f"/organizations/{cast.acme}", industry="Energy")
    cookie = made.headers["set-cookie"].partition("retainer.done=")[2].partition(";")[0]

    def page(person: Person, value: str) -> httpx.Response:
        named = f"connect.sid={person.token}; retainer.done={value}"
        return get(person, "/contacts", Cookie=named)

    assert "Changed" in page(cast.cora, cookie).text
    content, _, signature = cookie.partition(".")
    message = json.loads(base64.urlsafe_b64decode(content + "=="))
    forged = base64.urlsafe_b64encode(json.dumps(["Log in at evil.example", *message[1:]]).encode())
    for person, value in (
        (cast.ada, cookie),
        (cast.cora, f"{forged.decode().rstrip('=')}.{signature}"),
        (cast.cora, content),
        (cast.cora, forged.decode().rstrip("=")),
    ):
        answer = page(person, value)
        assert message[0] not in answer.text
        assert "evil.example" not in answer.text
        assert f"/operations/{message[1]}/undo" not in answer.text
        assert "retainer.done=;" in answer.headers["set-cookie"], "taken back"


VALUES = [
    "", "0", "-1", "9" * 40, "\0", "a\0b", "%", "'\"\\", "²", "٣", "é\u202e", "[1", "{}", "[" * 500, "1-1", "1-" + "9" * 30,
    "2026-02-30", "0001-01-01", "9999-12-31", "name,-name", "org:", "#1", "x@", "true", "status=active", EVIL, "a" * 5000,
]  # fmt: skip

NAMES = [
    "q", "sort", "cursor", "limit", "back", "next", "name", "title", "status", "organization", "organizationId", "copy",
    "projectId", "assigneeId", "record", "matching", "version", "contact", "contactId", "contactIds", "role", "link", "unlink",
    "query", "noun", "since", "until", "text", "happenedAt", "dueDate", "tags", "metadata", "metadata.0.name", "metadata.0.text", "metadata.0.was", "domains", "ownerId", "id", "order",
]  # fmt: skip

# Nobody could go on after these.
LAST = {"logoutForm", "passwordForm", "endSessionForm", "loginForm", "setupForm"}


@pytest.mark.parametrize("route", [r for r in PAGES if r.name not in LAST], ids=lambda r: r.name)
def test_no_input_to_a_page_is_answered_with_a_500(cast: Cast, route: Route) -> None:
    """No status of 500 or more, no unsendable answer; the random order is fixed."""
    chance = random.Random(route.name)
    path = path_of(cast, route).partition("?")[0]
    for _ in range(6):
        given = urlencode([(name, chance.choice(VALUES)) for name in chance.sample(NAMES, 3)])
        given += chance.choice(["", "", "", "&q=%ff", "&%", "&a=1&a=2"])
        headers = HTML | chance.choice([{}, {"HX-Request": "true", "HX-Target": "div#dialog-body"}])
        asked = f"{path}?{given}" if not route.changes or chance.random() < 0.2 else path
        body: dict[str, Any] = (
            {"headers": headers | FORM, "content": given} if route.changes else {"headers": headers}
        )
        answer = cast.ada.request(route.method, asked, follow_redirects=False, **body)
        assert answer.status_code < 500, (asked, given)
