"""Requests that no browser sends; pages and messages that must not stay in a browser."""

import pytest

from support.cast import Cast
from support.pages.sitemap import FORM, HTML, get, post

pytestmark = pytest.mark.slow


def test_a_program_on_a_path_of_the_contract_is_answered_by_the_api(cast: Cast) -> None:
    """A form's content type sent by mistake does not matter: only browsers and htmx get pages."""
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


def test_a_form_ignores_idempotency_keys_and_refuses_dry_runs(cast: Cast) -> None:
    """A stored answer could hold the page of a secret link."""
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


def test_a_head_request_is_sent_to_the_login_as_a_get_is(cast: Cast) -> None:
    assert (
        cast.nobody.request(
            "HEAD", "/organizations", headers=HTML, follow_redirects=False
        ).status_code
        == 303
    )


def test_a_message_is_not_shown_to_the_next_user_of_the_browser(cast: Cast) -> None:
    done = post(cast.ada, "/organizations", name="Secret client", type="other")
    cookie = done.headers["set-cookie"].partition(";")[0]
    assert (
        "Added Secret client"
        in get(cast.ada, "/contacts", Cookie=f"connect.sid={cast.ada.token}; {cookie}").text
    )
    assert (
        "Secret client"
        not in get(cast.gita, "/contacts", Cookie=f"connect.sid={cast.gita.token}; {cookie}").text
    )
    assert "Secret client" not in get(cast.nobody, "/login", Cookie=cookie).text
