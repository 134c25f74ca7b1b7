"""A page or JSON: weights in Accept, and paths that have only a page."""

import pytest

from retainer.http.negotiation.accept import prefers_html, weight
from retainer.http.routing import Route
from retainer.pages.routes import PAGES
from retainer.routes import ROUTES
from support.cast import Cast

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
JAVA = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        (BROWSER, True),
        (JAVA, True),
        ("text/html", True),
        ("application/json, text/html", True),
        ("TEXT/HTML;Q=0.3, application/json;q=0.3", True),
        ("text/html;q=0.5,application/json", False),
        ("text/html;q=0.5, application/*", False),
        ("text/html;q=0.5, */*", False),
        ("text/html;q=0, */*", False),
        ("text/html;level=1;q=0.9, application/json;q=0.8", True),
        ("text/*", True),
        ("text/*, application/json;q=0.9", True),
        ("image/*, text/*;q=0.5, */*;q=0.1", True),
        ("text/*, application/json", False),
        ("text/*, */*", False),
        ("text/*;q=0", False),
        ("text/html;q=0, text/*", False),
        ("text/*, text/html;q=0.2, application/json;q=0.5", False),
        ("*/*", False),
        ("", False),
        (None, False),
    ],
)
def test_html_is_answered_where_it_is_named_and_weighs_no_less_than_json(
    cast: Cast, accept: str | None, is_page: bool
) -> None:
    assert prefers_html(accept) is is_page
    for path in ("/organizations", f"/organizations/{cast.acme}"):
        headers = {"Accept": accept} if accept is not None else {}
        answer = cast.ada.get(path, headers=headers)
        assert answer.headers["content-type"].startswith(
            "text/html" if is_page else "application/json"
        )
        assert "accept" in answer.headers["vary"].lower()


def test_a_list_is_csv_for_those_who_name_it_beside_other_texts(cast: Cast) -> None:
    answer = cast.ada.get("/organizations", headers={"Accept": "text/csv, text/*;q=0.5"})
    assert answer.headers["content-type"].startswith("text/csv")


def test_the_most_specific_range_gives_the_weight() -> None:
    accept = "text/*;q=0.3, text/html;q=0.7, */*;q=0.1"
    assert [weight(accept, t) for t in ("text/html", "text/csv", "application/json")] == [
        0.7,
        0.3,
        0.1,
    ]


OF_API = {route.path for route in ROUTES if route.bare}
ONLY_PAGES = [
    route
    for route in PAGES
    if route.method == "GET" and route.path not in OF_API and "{" not in route.path
]


@pytest.mark.parametrize("route", ONLY_PAGES, ids=lambda route: route.path)
@pytest.mark.parametrize("headers", [{"Accept": "*/*"}, {}], ids=["anything", "no Accept"])
def test_a_path_that_has_only_a_page_gives_it_to_whoever_takes_anything(
    cast: Cast, route: Route, headers: dict[str, str]
) -> None:
    given = cast.ada.client.build_request("GET", route.path, headers=headers)
    given.headers["cookie"] = f"connect.sid={cast.ada.token}"
    if not headers:
        del given.headers["accept"]
    named = cast.ada.get(route.path, headers={"Accept": "text/html"})
    answer = cast.ada.client.send(given)
    assert answer.status_code == named.status_code, answer.text
    assert answer.headers.get("content-type") == named.headers.get("content-type")


def test_an_export_is_a_file_for_whoever_takes_anything_or_csv(cast: Cast) -> None:
    for path in ("/organizations/export", "/contacts/export"):
        for accept in ("*/*", "text/csv", "text/html"):
            answer = cast.ada.get(path, headers={"Accept": accept})
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"] == "text/csv; charset=utf-8"
            assert answer.headers["content-disposition"].startswith("attachment")


def test_a_visitor_who_takes_anything_is_sent_to_sign_in(cast: Cast) -> None:
    answer = cast.nobody.get("/trash", headers={"Accept": "*/*"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Ftrash")


def test_json_is_not_answered_by_a_page(cast: Cast) -> None:
    for path in ("/trash", "/organizations/new"):
        answer = cast.ada.get(path, headers={"Accept": "application/json"})
        assert answer.status_code in (404, 422)
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_contracts_paths_answer_json_to_whoever_takes_anything(cast: Cast) -> None:
    for path in ("/organizations", f"/organizations/{cast.acme}/tasks"):
        assert cast.ada.get(path, headers={"Accept": "*/*"}).headers["content-type"] == (
            "application/json"
        )
