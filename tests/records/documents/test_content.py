"""The bytes of a document: type, ranges, headers, damage."""

import os
import re

import httpx
import pytest

from support.cast import Cast
from support.documents import added, check, path_of
from support.server import Server
from support.sql import Sql


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<!DOCTYPE html><script>alert(1)</script>", "text/html"),
        (b"<!-- a --> <html>", "text/html"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "image/svg+xml"),
        (b'<?xml version="1.0"?>\n<!-- a -->\n<svg onload="alert(1)"/>', "image/svg+xml"),
        (b"BMW report\n", "text/plain"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0", "image/png"),
        (b"\0\1\2\3", "application/octet-stream"),
        ("Zürich".encode("latin-1"), "application/octet-stream"),
        (("a" * 8191 + "é" * 9).encode(), "text/plain"),
        (b"PK\x03\x04" + b"\0" * 26 + b"word/document.xml", "application/zip"),
        (b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml\0word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"<!---->" * 1500, "application/xml"),
    ],
)  # fmt: skip
def test_the_media_type_is_that_of_the_bytes_and_content_is_never_shown_inline(
    cast: Cast, content: bytes, kind: str
):
    document = added(cast.cora, content)
    assert document["type"] == kind
    answer = cast.cora.get(document["url"])
    assert answer.headers["content-disposition"].startswith("attachment")
    assert (answer.headers["x-content-type-options"], answer.content) == ("nosniff", content)


def test_byte_ranges_are_answered(cast: Cast):
    content = bytes(range(256)) * 12
    document = added(cast.cora, content)
    etag = f'"{document["sha256"]}"'

    def get(**headers: str) -> httpx.Response:
        return cast.cora.get(
            document["url"], headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    for text, start, end in (("0-0", 0, 1), ("10-19", 10, 20), ("3000-", 3000, 3072), ("-5", 3067, 3072), ("0-99999", 0, 3072), ("-9999", 0, 3072)):  # fmt: skip
        part = get(Range=f"bytes={text}")
        assert (part.status_code, part.content) == (206, content[start:end])
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/3072"
        assert part.headers["content-length"] == str(end - start)
    for text in ("3072-", "9999-10000", "-0"):
        wrong = get(Range=f"bytes={text}")
        assert (wrong.status_code, wrong.headers["content-range"]) == (416, "bytes */3072")
    for text in (
        "bytes=0-1,5-6",
        "bytes=9-3",
        "bytes=-",
        "bytes=a-b",
        "lines=1-2",
        "bytes=" + "9" * 50 + "-",
    ):
        assert (get(Range=text).status_code, len(get(Range=text).content)) == (200, 3072)
    assert get(Range="bytes=0-1", If_Range=etag).status_code == 206
    assert get(Range="bytes=0-1", If_Range='"other"').status_code == 200
    assert get(Range="bytes=0-1", If_Range="Wed, 21 Oct 2015 07:28:00 GMT").status_code == 200


def test_unchanged_content_is_not_sent_again(cast: Cast):
    document = added(cast.cora)
    etag = f'"{document["sha256"]}"'
    for names in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = cast.cora.get(document["url"], headers={"If-None-Match": names})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
        assert "content-length" not in answer.headers
    assert cast.cora.get(document["url"], headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_head_request_answers_all_headers_without_the_bytes(cast: Cast):
    document = added(cast.cora)
    head, get = (cast.cora.request(method, document["url"]) for method in ("HEAD", "GET"))
    assert head.content == b""
    for name in ("content-length", "content-type", "etag", "accept-ranges", "content-disposition"):
        assert head.headers[name] == get.headers[name]


def test_a_file_name_cannot_break_the_content_disposition(cast: Cast):
    file = added(cast.cora)
    name = 'a"\u00a0Set-Cookie: x=1; \\ %41 ／＂ \u202efdp.exe'
    broken = cast.cora.put(f"/api/documents/{file['id']}", {"name": name.replace("\u00a0", "\r\n")})
    assert broken.status_code == 422
    assert cast.cora.put(f"/api/documents/{file['id']}", {"name": name}).json()["name"] == name
    answer = cast.cora.get(file["url"])
    assert "set-cookie" not in answer.headers
    header = answer.headers["content-disposition"]
    assert re.fullmatch(
        r"attachment; filename=\"[^\"\\/%\r\n]+\"; filename\*=UTF-8''[\w!#$&+.^`|~%-]+", header
    )
    assert "%E2%80%AE" not in header


def test_damaged_bytes_never_arrive_as_a_whole_file(cast: Cast, server: Server, sql: Sql):
    content = os.urandom(3_000_000)
    document = added(cast.cora, content)
    file = path_of(server, sql, document["id"])
    version = f"tenant {cast.tenant} document {document['id']} version 1: {cast.tenant}/{file.name}"

    def damaged() -> list[str]:
        with pytest.raises(httpx.RemoteProtocolError):
            cast.cora.get(document["url"])
        return check(server, deep=True).damaged

    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert damaged() == [version]
    assert check(server).is_sound  # which looks at the size only
    file.write_bytes(content[:-1])
    assert damaged() == check(server).damaged == [version]
    file.unlink()
    answer = cast.cora.get(document["url"])
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert file.name not in answer.text
    assert check(server).missing == [version]
    assert not check(server).is_sound
    file.write_bytes(content)
    assert cast.cora.get(document["url"]).content == content
    assert check(server, deep=True).is_sound
