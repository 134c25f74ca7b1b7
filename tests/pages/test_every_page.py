"""Every page and form, generated from the sitemap: which roles get it, who is sent to the login or
refused; and rules for the HTML of all of them.
"""

import re
from html.parser import HTMLParser

import pytest

from retainer.http.routing import Route
from retainer.pages.routes import PAGES
from retainer.permissions import PERMISSIONS, PUBLIC
from support.cast import Cast
from support.in_process import InProcess
from support.pages.sitemap import FORM, FORMS, HTML, PARTS, ROLES, SHOWN, check, get, path_of, post
from support.samples import rows_of

pages = pytest.mark.parametrize("route", SHOWN, ids=lambda r: r.name)
forms = pytest.mark.parametrize("route", FORMS, ids=lambda r: r.name)


@pages
def test_a_page_is_shown_to_roles_with_its_permission(cast: Cast, route: Route) -> None:
    for who, role in ROLES.items():
        cast.asking = getattr(cast, who)
        answer = get(cast.asking, path_of(cast, route))
        if role not in PERMISSIONS[route.permission].roles:
            assert answer.status_code in (403, 404), who
            check(answer.text)
        elif answer.status_code != 303 and route.name.removesuffix("Page") not in PARTS:
            assert answer.status_code == 200, (who, answer.text[-2000:])
            assert {"Accept", "HX-Request"} <= set(re.split(r",\s*", answer.headers["vary"]))
            check(answer.text)


@pytest.mark.parametrize("path", ["/organizations?fields=name", "/projects?fields=title"])
def test_a_list_page_is_shown_whatever_fields_asks_for(cast: Cast, path: str) -> None:
    assert get(cast.ada, path).status_code == 200


@pages
def test_a_page_sends_a_stranger_to_the_login(cast: Cast, route: Route) -> None:
    answer = get(cast.nobody, path_of(cast, route))
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/login")


@pages
def test_the_page_of_an_invisible_record_is_404(cast: Cast, route: Route) -> None:
    path = path_of(cast, route)
    if route.parameters:
        for stranger in (cast.olga, cast.sam):
            if stranger is cast.sam and route.name == "tenantPage":
                continue  # it is Sam's as well
            answer = get(stranger, path)
            assert answer.status_code in (403, 404)
            check(answer.text)


@pages
def test_a_page_costs_few_statements(cast: Cast, inside: InProcess, route: Route) -> None:
    path = path_of(cast, route)
    inside.send(cast.ada, "GET", path, headers=HTML)  # the session is known now
    assert inside.send(cast.ada, "GET", path, headers=HTML)[1] <= 20


@pages
def test_every_button_works_for_the_roles_that_see_it(cast: Cast, route: Route) -> None:
    """Each form of a page is one that its viewer's role may send."""
    for who, role in ROLES.items():
        cast.asking = getattr(cast, who)
        answer = get(cast.asking, path_of(cast, route))
        for method, action in re.findall(
            r'<form[^>]*method="(post)"[^>]*action="([^"]+)"', answer.text
        ):
            found = form_at(action)
            assert found is not None, (method, action)
            assert found.permission == PUBLIC or role in PERMISSIONS[found.permission].roles, (
                who,
                action,
            )


def form_at(action: str) -> Route | None:
    parts = action.partition("?")[0].split("/")
    for route in PAGES:
        own = route.path.split("/")
        if route.changes and len(own) == len(parts) and all(
            mine == theirs or (mine.startswith("{") and theirs.isdigit()) for mine, theirs in zip(own, parts, strict=True)
        ):  # fmt: skip
            return route
    return None


@forms
def test_a_form_requires_a_session_and_its_permission(cast: Cast, route: Route) -> None:
    for who, role in ROLES.items():
        if role not in PERMISSIONS[route.permission].roles:
            cast.asking = getattr(cast, who)
            path = path_of(cast, route)
            before = rows_of(cast)
            assert post(cast.asking, path).status_code in (403, 404), who
            assert rows_of(cast) == before
    path = path_of(cast, route)
    before = rows_of(cast)
    assert post(cast.nobody, path).status_code == 401
    foreign = cast.ada.request(
        "POST", path, headers=HTML | FORM | {"Origin": "https://evil.example"}, data={}
    )
    assert foreign.status_code == 403
    assert rows_of(cast) == before


@forms
def test_the_form_of_an_invisible_record_is_404(cast: Cast, route: Route) -> None:
    path = path_of(cast, route)
    if route.parameters:
        before = rows_of(cast)
        assert post(cast.olga, path).status_code in (403, 404)
        assert rows_of(cast) == before


@forms
def test_a_form_is_not_a_route_of_the_api(cast: Cast, route: Route) -> None:
    answer = cast.ada.request(
        "POST", "/api" + path_of(cast, route), headers=FORM, data={"name": "x"}
    )
    assert answer.status_code in (404, 405, 415)


def test_a_path_of_the_contract_answers_json_unless_html_is_asked_for(cast: Cast) -> None:
    assert cast.ada.get("/organizations").headers["content-type"] == "application/json"
    assert get(cast.ada, "/organizations").headers["content-type"] == "text/html; charset=utf-8"
    one = cast.ada.get(f"/organizations/{cast.acme}")
    assert one.json()["name"] == "Acme Corporation"
    assert "Accept" in one.headers["vary"]
    json = {"Accept": "application/json"}
    assert cast.ada.get("/contacts", headers=json).status_code == 404, "a bare path of pages alone"
    assert cast.nobody.get("/organizations").status_code == 401


def test_the_part_that_htmx_asks_for_has_no_shell(cast: Cast) -> None:
    part = get(cast.ada, "/organizations", **{"HX-Request": "true", "HX-Target": "main#main"}).text
    assert "<html" not in part
    assert '<main id="main"' in part
    assert part.lstrip().startswith("<title>")


def test_an_error_page_keeps_the_shell_and_says_what_to_do(cast: Cast) -> None:
    answer = get(cast.ada, "/organizations/999999999")
    assert answer.status_code == 404
    assert 'id="sidebar"' in answer.text
    assert "Look in the trash" in answer.text
    broken = get(cast.ada, "/organizations?sort=nothing")
    assert broken.status_code == 422
    assert "the nearest is" in broken.text or "it takes" in broken.text


def test_typed_texts_are_escaped(cast: Cast) -> None:
    name = "<script>alert(1)</script>\"'&"
    made = cast.ada.made(
        "/api/organizations",
        name=name,
        type="other",
        website="javascript:alert(1)",
        tags=["<i>x</i>"],
    )
    for path in (f"/organizations/{made['id']}", "/organizations"):
        text = get(cast.ada, path).text
        assert "<script>alert" not in text
        assert 'href="javascript:' not in text


def test_the_new_menu_of_every_page_offers_what_the_role_may_add(cast: Cast) -> None:
    shown = {
        who: set(re.findall(r'href="/(\w+)/new"', person.get("/new", headers=HTML).text))
        for who, person in (("cora", cast.cora), ("stan", cast.stan))
    }
    assert shown["cora"] == {
        "organizations",
        "contacts",
        "projects",
        "tasks",
        "documents",
        "activities",
    }
    assert "tasks" in shown["stan"] and not shown["stan"] & {
        "organizations",
        "contacts",
        "projects",
    }
    assert cast.gita.get("/new", headers=HTML).status_code == 403
    assert 'href="/new"' in cast.stan.get("/tasks", headers=HTML).text
    assert 'href="/new"' not in cast.gita.get("/tasks", headers=HTML).text


@pytest.mark.parametrize("path", ["/organizations", "/contacts"])
def test_rows_are_deleted_by_their_key_only_where_that_is_allowed(cast: Cast, path: str) -> None:
    assert "data-deletes" in cast.ada.get(path, headers=HTML).text
    assert "data-deletes" not in cast.gita.get(path, headers=HTML).text


@pytest.mark.parametrize(
    ("path", "status"), [("/organizations/999999", 404), ("/organizations?limit=x", 422)]
)
def test_the_title_of_an_error_page_is_its_heading(cast: Cast, path: str, status: int) -> None:
    answer = cast.ada.get(path, headers=HTML)
    heading = re.findall(r"<h1[^>]*>(.*?)</h1>", answer.text)[0]
    assert answer.status_code == status and f"<title>{heading} · Retainer</title>" in answer.text


def test_an_empty_required_field_is_refused_in_words(cast: Cast) -> None:
    form = cast.ada.post("/contacts", content="fullName=&email=x&type=client", headers=HTML | FORM)
    assert form.status_code == 422 and form.text.count("must not be empty") == 2
    assert 'href="#f-email">E-mail</a>' in form.text, "the summary calls fields as their labels do"


def test_a_filtered_list_counts_its_own_rows(cast: Cast) -> None:
    def counted(path: str) -> tuple[int, int]:
        text = cast.ada.get(path, headers={"Accept": "text/html"}).text
        found = re.search(r'id="count"[^>]*><span>(\d+)', text)
        assert found is not None
        return int(found[1]), len(re.findall(r"\bdata-row\b", text))

    everything = counted("/organizations")[0]
    for path in ("/organizations?q=acme", "/organizations?q=acme&type=customer", "/users?q=stan"):
        found, rows = counted(path)
        assert (found == rows, found < everything) == (True, True), path
    assert counted("/organizations?q=acme")[0] > 0


class Named(HTMLParser):
    """The links, buttons and summaries with a name of their own, and the words that are seen."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.open: list[tuple[str, str, list[str]]] = []
        self.unseen = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("a", "button", "summary"):
            self.open.append((tag, given.get("aria-label") or "", []))
        is_unseen = given.get("aria-hidden") or given.get("class") in ("sr", "on-paper")
        self.unseen += tag == "span" and bool(self.unseen or is_unseen)

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= tag == "span" and self.unseen > 0
        if self.open and self.open[-1][0] == tag:
            _, name, words = self.open.pop()
            if name:
                self.found.append((name, " ".join(" ".join(words).split())))

    def handle_data(self, data: str) -> None:
        if self.open and not self.unseen:
            self.open[-1][2].append(data)


def test_a_name_that_is_heard_has_the_words_that_are_seen(cast: Cast) -> None:
    cast.asking = cast.ada
    several = 0
    cast.ada.delete(f"/api/organizations/{cast.globex}")
    for route in SHOWN:
        for name, seen in Named(get(cast.ada, path_of(cast, route)).text).found:
            several += 1
            assert seen.lower().rstrip("…") in name.lower(), (route.path, name, seen)
    assert several > 30
