"""Pages among strangers: texts that would be markup, addresses that lead away, requests that no browser sends."""

import random
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest

from conftest import Cast
from retainer.http.routing import Route
from retainer.pages.routes import PAGES
from test_pages import FORM, HTML, SHOWN, get, path_of, post

pytestmark = pytest.mark.slow

PARTS = ("results", "duplicates", "contact-choices")
OWN = re.compile(r"(/(?![/\\])|#|\?|https?://[^\s/]|mailto:|tel:|data:,$).*|", re.DOTALL)
EVIL = "<b data-evil=1>'\" data-evil=2 {{7*7}}</textarea></title></script><svg/onload=evil()>&lt;javascript:evil()"
ELSEWHERE = [
    "https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "javascript:evil()", "/a\0", "/\x01",
    "\\\\evil.example", " //evil.example", "/a b", "/a\r\nset-cookie: a=b", "/\x85", "/\u202e", "/é",
]  # fmt: skip


class Links(HTMLParser):
    """Where the links and forms of a page lead, and what is in it that no template of ours writes."""

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
def test_texts_of_people_are_texts_on_every_page(cast: Cast, who: str) -> None:
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
    told = post(cast.ada, f"/organizations/{cast.acme}", industry="Energy", back=path)
    assert told.headers["location"] == f"/organizations/{cast.acme}"
    dialog = HTML | FORM | {"HX-Request": "true", "HX-Target": "div#dialog-body"}
    there = cast.ada.request(
        "POST", f"/organizations/{cast.acme}", headers=dialog, data={"name": "B", "back": path}
    )
    assert f'"path":"/organizations/{cast.acme}"' in there.headers["hx-location"]


def test_what_programs_send_to_the_contracts_paths_is_answered_as_by_the_api(cast: Cast) -> None:
    """Also with the content type that a program sends by mistake: only browsers and htmx want a page."""
    member = f"/organizations/{cast.acme}/members/{cast.gita_contact}"
    for method, path in (
        ("PUT", f"/organizations/{cast.acme}"), ("DELETE", f"/organizations/{cast.acme}"), ("PATCH", member),
        ("DELETE", member), ("POST", "/organizations"), ("POST", f"/organizations/{cast.acme}/members"),
        ("POST", f"/organizations/{cast.acme}/duplicate"), ("PUT", "/organizations/999999999"),
        ("PUT", "/organizations/x"), ("DELETE", "/organizations/0"),
    ):  # fmt: skip
        for person in (cast.ada, cast.gita, cast.nobody):
            for accept in ("*/*", "application/json"):
                sent = {"headers": FORM | {"Accept": accept}, "data": {"name": "X"}}
                bare, api = (
                    person.request(method, path, **sent),
                    person.request(method, "/api" + path, **sent),
                )
                assert (bare.status_code, bare.headers["content-type"]) == (
                    api.status_code, api.headers["content-type"]), (method, path)  # fmt: skip
    for accept in ("application/json, text/html;q=0", "text/html; q=0.0", "application/xhtml+xml"):
        answer = cast.ada.get(f"/organizations/{cast.acme}", headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/json"
    as_json = cast.ada.request(
        "POST", "/organizations", headers=HTML, json={"name": "J", "type": "other"}
    )
    assert (as_json.status_code, as_json.headers["content-type"]) == (200, "application/json")


def test_a_form_keeps_no_answer_by_key_and_rehearses_nothing(cast: Cast) -> None:
    """A key would tell nothing of a form's fields, and its page may show a secret link."""
    key = HTML | FORM | {"Idempotency-Key": "one"}
    for name in ("First", "Second"):
        fields = {"name": name, "type": "other"}
        made = cast.ada.request(
            "POST", "/organizations", headers=key, data=fields, follow_redirects=False
        )
        assert cast.ada.get("/api" + made.headers["location"]).json()["name"] == name
    tried = cast.ada.request(
        "POST", "/organizations", headers=HTML | FORM | {"Prefer": "dry-run"}, data=fields
    )
    assert tried.status_code == 422
    assert (
        cast.sql.value("SELECT count(*) FROM idempotency_keys WHERE tenant_id = $1", cast.tenant)
        == 0
    )


def test_no_page_stays_in_a_cache(cast: Cast) -> None:
    for person in (cast.ada, cast.nobody):
        for path in ("/login", "/organizations", f"/organizations/{cast.acme}", "/nowhere"):
            assert "no-store" in get(person, path).headers["cache-control"]
    wrong = post(cast.nobody, "/login", username=cast.ada.username, password="wrong")
    assert wrong.headers["cache-control"] == "no-store"


def test_a_head_is_sent_to_sign_in_as_a_get_is(cast: Cast) -> None:
    assert (
        cast.nobody.request(
            "HEAD", "/organizations", headers=HTML, follow_redirects=False
        ).status_code
        == 303
    )


def test_what_another_deletion_keeps_from_coming_back_is_told(cast: Cast) -> None:
    project = cast.ada.made("/api/projects", organizationId=cast.globex, title="Pilot")["id"]
    cast.ada.delete(f"/api/projects/{project}")
    deletion = cast.ada.get("/api/operations?limit=1").json()[0]["id"]
    cast.ada.delete(f"/api/organizations/{cast.globex}")
    answer = post(cast.ada, f"/operations/{deletion}/undo")
    assert answer.status_code == 409
    assert "which is deleted; restore that one first" in answer.text


def test_the_last_day_there_is_can_be_shown(cast: Cast) -> None:
    cast.gita.put("/api/user", {"timeZone": "Pacific/Kiritimati"}).raise_for_status()
    last = {"text": "Later", "happenedAt": "9999-12-31T23:59:59Z", "audience": "client"}
    made = cast.ada.made(f"/api/organizations/{cast.acme}/activities", **last)["id"]
    for path in ("/activities", f"/activities/{made}", f"/organizations/{cast.acme}"):
        assert get(cast.gita, path).status_code == 200


@pytest.mark.parametrize(
    "matching", ["999", "²", "status", "status=active&x", "&", "q=a&q=b", "%ff=1", "\0", "é=1"]
)
def test_what_matches_nothing_known_is_not_all_that_there_is(cast: Cast, matching: str) -> None:
    answer = post(cast.ada, "/organizations/bulk", matching=matching, do="delete")
    assert answer.status_code == 422
    assert len(cast.ada.get("/api/organizations").json()) == 2


def test_what_somebody_did_is_not_told_to_who_uses_the_browser_next(cast: Cast) -> None:
    done = post(cast.ada, "/organizations", name="Secret client", type="other")
    told = done.headers["set-cookie"].partition(";")[0]
    assert (
        "Added Secret client"
        in get(cast.ada, "/contacts", Cookie=f"connect.sid={cast.ada.token}; {told}").text
    )
    assert (
        "Secret client"
        not in get(cast.gita, "/contacts", Cookie=f"connect.sid={cast.gita.token}; {told}").text
    )
    assert "Secret client" not in get(cast.nobody, "/login", Cookie=told).text


@pytest.mark.parametrize(
    "told", ["W10", "bnVsbA", "_w", "A", "A" * 4000, "WyJcdWQ4MDAiLDFd", "WyI8YiBkYXRhLWV2aWw-Iiw5OTk5OTk5OTk5OTk5OTk5OTk5LG51bGxd"]
)  # fmt: skip
def test_a_forged_message_is_but_text(cast: Cast, told: str) -> None:
    answer = get(
        cast.ada, "/contacts", Cookie=f"connect.sid={cast.ada.token}; retainer.done={told}"
    )
    assert answer.status_code == 200
    check(answer.text)


VALUES = [
    "", "0", "-1", "9" * 40, "\0", "a\0b", "%", "'\"\\", "²", "٣", "é\u202e", "[1", "{}", "[" * 500, "1-1", "1-" + "9" * 30,
    "2026-02-30", "0001-01-01", "9999-12-31", "name,-name", "org:", "#1", "x@", "true", "status=active", EVIL, "a" * 5000,
]  # fmt: skip
NAMES = [
    "q", "sort", "cursor", "limit", "back", "next", "name", "title", "status", "organization", "organizationId", "copy",
    "projectId", "assigneeId", "record", "matching", "version", "contact", "contactId", "contactIds", "role", "link", "unlink",
    "query", "noun", "since", "until", "text", "happenedAt", "dueDate", "tags", "metadata", "domains", "ownerId", "id", "order",
]  # fmt: skip
# Nobody could go on after these.
LAST = {"logoutForm", "passwordForm", "endSessionForm", "loginForm", "setupForm"}


@pytest.mark.parametrize("route", [r for r in PAGES if r.name not in LAST], ids=lambda r: r.name)
def test_nothing_that_is_sent_to_a_page_is_our_fault(cast: Cast, route: Route) -> None:
    """Neither a status from 500 on nor an answer that cannot be sent. The order is the same in each run."""
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
