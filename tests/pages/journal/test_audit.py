"""The audit: changes, sign-ins and refusals, filtered and exported."""

import re

from support.cast import Cast
from support.pages.accounts import NEW_PASSWORD, invite, link_in
from support.pages.sitemap import FORM, HTML, get, post


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


def test_the_audit_links_to_the_changed_records(cast: Cast) -> None:
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


def test_a_login_on_the_page_is_in_the_audit_as_one(cast: Cast) -> None:
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
