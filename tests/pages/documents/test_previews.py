"""Previews: what each kind of file shows, and what a preview can never do."""

from typing import Any

import httpx
import pytest

from support.cast import Cast, Person
from support.pages.documents import GIF, HTML, PDF, PNG, added, got


def preview(person: Person, document: dict[str, Any], number: int = 1) -> httpx.Response:
    return person.get(f"/documents/{document['id']}/versions/{number}/preview")


SHOWN = [
    (PNG, "image/png"), (GIF, "image/gif"), (b"\xff\xd8\xff\xe0\0\x10JFIF\0\1", "image/jpeg"), (PDF, "application/pdf"),
    (b"plain words", "text/plain; charset=utf-8"),
    (b"<!DOCTYPE html><script>alert(1)</script>", "text/plain; charset=utf-8"),
    # Two things at once: the bytes begin as one, and that is what they are sent as.
    (GIF + b"/*<html><script>alert(1)</script>*/=1;", "image/gif"),
    (PDF + b"<html><script>alert(1)</script></html>", "application/pdf"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "kind"), SHOWN)
@pytest.mark.parametrize("name", ["a.html", "a.svg", "a.pdf"])
def test_a_preview_has_the_type_of_its_bytes_and_a_policy_that_forbids_everything(
    cast: Cast, content: bytes, kind: str, name: str
) -> None:
    answer = preview(
        cast.gita, added(cast.ada, content, name, organizationId=cast.acme, audience="client")
    )
    assert (answer.status_code, answer.content) == (200, content)
    headers = answer.headers
    assert headers["content-type"] == kind
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-disposition"].startswith("inline; filename=")
    assert headers["cross-origin-resource-policy"] == "same-origin"
    policies = headers.get_list("content-security-policy")
    usual = "default-src 'none'; frame-ancestors 'self'"
    assert policies == [usual if kind == "application/pdf" else f"{usual}; sandbox"]


@pytest.mark.parametrize(
    "content",
    [
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b'<?xml version="1.0"?>\n<!-- a -->\n<svg onload="alert(1)"/>',
        b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>',
        b"\0\1\2 <html>", b"PK\x03\x04 <html>",
    ],
)  # fmt: skip
def test_other_content_is_previewed_as_text_or_not_at_all(cast: Cast, content: bytes) -> None:
    document = added(cast.ada, content, "a.png", organizationId=cast.acme)
    answer = preview(cast.ada, document)
    assert (
        answer.status_code == 404 or answer.headers["content-type"] == "text/plain; charset=utf-8"
    )
    assert answer.status_code == 404 or b"svg" not in content
    page = got(cast.ada, f"/documents/{document['id']}")
    assert (
        "<iframe" not in page
        and "<img" not in page
        and "onload" not in page.replace("&#34;", '"').split("<pre")[0]
    )


def test_a_preview_is_visible_to_viewers_of_the_document(cast: Cast) -> None:
    document = added(cast.ada, PNG, "a.png", organizationId=cast.acme)
    assert preview(cast.stan, document).status_code == 200
    assert preview(cast.stan, document, 2).status_code == 404
    for person in (cast.gita, cast.sam, cast.olga):
        assert preview(person, document).status_code == 404
    assert preview(cast.nobody, document).status_code == 401
    link = cast.ada.made(
        "/api/documents", name="L", url="https://x.example/l", organizationId=cast.acme
    )
    assert preview(cast.ada, link).status_code == 404


def test_a_text_preview_is_escaped_and_cut(cast: Cast) -> None:
    text = "</pre><script>alert('ü')</script>\n" * 2000
    page = got(
        cast.ada,
        f"/documents/{added(cast.ada, text.encode(), 'a.html', organizationId=cast.acme)['id']}",
    )
    assert "<script>alert" not in page and "&lt;script&gt;alert(&#39;ü&#39;)" in page
    assert "Show the whole text" in page and "\ufffd" not in page and len(page) < 60_000
    assert "Show the whole text" not in got(
        cast.ada, f"/documents/{added(cast.ada, b'short', 'b.txt', organizationId=cast.acme)['id']}"
    )


def test_pages_cannot_be_framed_and_downloads_stay_downloads(cast: Cast) -> None:
    document = added(
        cast.ada, b"<html><script>alert(1)</script>", "a.html", organizationId=cast.acme
    )
    page = cast.ada.get(f"/documents/{document['id']}", headers=HTML)
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    content = cast.ada.get(document["url"])
    assert content.headers["content-disposition"].startswith("attachment;")
    assert "frame-ancestors 'none'" in content.headers["content-security-policy"]
