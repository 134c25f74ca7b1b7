"""gzip where a client accepts it: records, lists and refusals, whole and streamed, but no files."""

import gzip
import json
import zlib
from typing import Any

import httpx
import pytest

from support.cast import Cast, Person

LONG = "A client since the beginning. " * 60
PACKED = {"Accept-Encoding": "gzip"}
PLAIN = {"Accept-Encoding": "identity"}


def wire(
    person: Person, path: str, headers: dict[str, str], method: str = "GET", **options: Any
) -> tuple[httpx.Response, list[bytes]]:
    """An answer, and its body's parts as they were sent."""
    headers = {"Cookie": f"connect.sid={person.token}"} | headers
    request = person.client.build_request(method, path, headers=headers, **options)
    if "Accept-Encoding" not in headers:
        del request.headers["accept-encoding"]
    answer = person.client.send(request, stream=True)
    return answer, list(answer.iter_raw())


@pytest.fixture
def record(cast: Cast) -> str:
    made = cast.ada.made("/api/organizations", name="Long", type="other", description=LONG)
    return f"/api/organizations/{made['id']}"


PATHS = ["/api/organizations", "/organizations", "/api/openapi.json", "/api/operations"]


@pytest.mark.parametrize("path", PATHS)
def test_data_is_packed_where_gzip_is_accepted(cast: Cast, record: str, path: str) -> None:
    plain, content = wire(cast.ada, path, PLAIN)
    small, packed = wire(cast.ada, path, PACKED)
    assert "content-encoding" not in plain.headers and small.headers["content-encoding"] == "gzip"
    assert gzip.decompress(b"".join(packed)) == b"".join(content)
    assert int(small.headers["content-length"]) == len(b"".join(packed)) < len(b"".join(content))
    for answer in (plain, small):
        varies = answer.headers["vary"].lower().split(", ")
        assert "accept-encoding" in varies
        assert ("accept" in varies) == (path != "/api/openapi.json")


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        (None, False),
        ("", False),
        ("br", False),
        ("identity", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("gzip;q=0.5, identity", False),
        ("gzip", True),
        ("X-GZIP", True),
        ("*", True),
        ("br, gzip ; q=0.001", True),
        ("identity;q=0.5, *;q=0.5", True),
        ("identity;q=0", True),
        ("gzip, *;q=0", True),
    ],
)
def test_weights_of_encodings_are_heeded(
    cast: Cast, record: str, accepted: str | None, is_packed: bool
) -> None:
    headers = {}
    if accepted is not None:
        headers["Accept-Encoding"] = accepted
    answer, _ = wire(cast.ada, record, headers)
    assert (answer.headers.get("content-encoding") == "gzip") == is_packed


def test_small_data_is_packed_only_for_those_who_refuse_it_plain(cast: Cast) -> None:
    path = "/api/organizations?fields=id&limit=1"
    for accepted, encoding in (("gzip", None), ("gzip, identity;q=0", "gzip")):
        answer, _ = wire(cast.ada, path, {"Accept-Encoding": accepted})
        assert answer.headers.get("content-encoding") == encoding
        assert "accept-encoding" in answer.headers["vary"]


def test_both_forms_of_an_etag_name_the_state(cast: Cast, record: str) -> None:
    strong = wire(cast.ada, record, PLAIN)[0].headers["etag"]
    weak = wire(cast.ada, record, PACKED)[0].headers["etag"]
    assert weak == f"W/{strong}"
    for accepted, own in ((PLAIN, strong), (PACKED, weak)):
        for tag in (strong, weak):
            answer, body = wire(cast.ada, record, accepted | {"If-None-Match": tag})
            assert (answer.status_code, body) == (304, [])
            assert answer.headers["etag"] == own
            assert "accept-encoding" in answer.headers["vary"]
            assert "content-encoding" not in answer.headers
    for industry in ("Energy", "Water"):
        tag = wire(cast.ada, record, PACKED)[0].headers["etag"]
        headers = PACKED | {"If-Match": tag}
        changed = cast.ada.put(record, {"industry": industry}, headers=headers)
        assert changed.status_code == 200 and changed.headers["etag"].startswith('W/"')
        refused = cast.ada.put(record, {"industry": "Mining"}, headers=headers)
        assert refused.status_code == 412 and refused.json()["current"]["industry"] == industry


def test_head_is_answered_like_get(cast: Cast, record: str) -> None:
    for path in (record, "/api/organizations", "/api/openapi.json"):
        for accepted in (PLAIN, PACKED):
            got, _ = wire(cast.ada, path, accepted)
            head, body = wire(cast.ada, path, accepted, "HEAD")
            assert body == []
            for name in ("content-encoding", "content-length", "vary", "etag", "content-type"):
                assert head.headers.get(name) == got.headers.get(name), (path, name)


def test_a_long_refusal_is_packed(cast: Cast) -> None:
    unknown = {f"field{n}": n for n in range(60)}
    answer, body = wire(cast.ada, "/api/organizations", PACKED, "POST", json=unknown)
    assert answer.status_code == 422 and answer.headers["content-encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(b"".join(body)))["errors"]) > 50


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson", "text/csv"])
def test_a_stream_can_be_unpacked_chunk_by_chunk(cast: Cast, kind: str) -> None:
    cast.sql.rows(
        """WITH acting AS MATERIALIZED (SELECT set_config('retainer.tenant', $2, true),
                                               acting_as(NULL, 'command', 'command', NULL, 'test'))
           INSERT INTO organizations (tenant_id, name, type)
           SELECT $1, 'Client ' || n, 'vendor' FROM generate_series(1, 1100) n, acting""",
        cast.tenant, str(cast.tenant),
    )  # fmt: skip
    path, accept = "/api/organizations?sort=id&type=vendor", {"Accept": kind}
    plain, content = wire(cast.ada, path, PLAIN | accept)
    small, parts = wire(cast.ada, path, PACKED | accept)
    assert "content-length" not in small.headers and small.headers["content-encoding"] == "gzip"
    assert len(b"".join(parts)) < len(b"".join(content)) / 5
    for answer in (plain, small):
        assert answer.headers["vary"].lower() == "accept, accept-encoding"
    head, _ = wire(cast.ada, path, PACKED | accept, "HEAD")
    assert head.headers["content-encoding"] == "gzip"
    unpacked = zlib.decompressobj(wbits=31)
    texts = [unpacked.decompress(part) for part in parts]
    assert unpacked.eof and b"".join(texts) == b"".join(content)
    # The rows of each of the three chunks are there when it has come, not at the stream's end.
    assert sum(b"Client" in text for text in texts) >= 3
    assert b"Client 400" in texts[0]


@pytest.mark.parametrize("kind", ["application/json", "text/csv", "text/html"])
def test_files_are_sent_as_they_are(cast: Cast, kind: str) -> None:
    content = b'{"a": "' + b"x" * 3000 + b'"}'
    if kind == "text/html":
        content = b"<!doctype html><title>a</title>" + b"x" * 3000
    made = cast.ada.post("/api/documents", files={"file": ("a.json", content, kind)}).json()
    path = f"/api/documents/{made['id']}/content"
    for method in ("GET", "HEAD"):
        for headers in (PACKED, PACKED | {"Range": "bytes=10-19"}):
            answer, body = wire(cast.ada, path, headers, method)
            assert answer.status_code in (200, 206)
            assert "content-encoding" not in answer.headers
            assert answer.headers["etag"].startswith('"')
            if method == "GET":
                assert b"".join(body) in (content, content[10:20])
    tag = answer.headers["etag"]
    answer, _ = wire(cast.ada, path, PACKED | {"If-None-Match": tag})
    assert (answer.status_code, answer.headers["etag"]) == (304, tag)


def test_the_document_of_the_api_may_be_kept_and_asked_for_again(cast: Cast) -> None:
    for headers in (PLAIN, PACKED):
        answer, _ = wire(cast.ada, "/api/openapi.json", headers)
        assert answer.headers["cache-control"] == "no-cache"
        tag = answer.headers["etag"]
        again, body = wire(cast.ada, "/api/openapi.json", headers | {"If-None-Match": tag})
        assert (again.status_code, body) == (304, [])
        assert again.headers["cache-control"] == "no-cache" and again.headers["etag"] == tag
    assert wire(cast.ada, "/api/organizations", PACKED)[0].headers["cache-control"] == "no-store"


def test_events_are_not_packed(cast: Cast) -> None:
    headers = {"Cookie": f"connect.sid={cast.ada.token}", "Accept": "text/event-stream"} | PACKED
    with cast.client.stream("GET", "/live", headers=headers) as answer:
        assert answer.status_code == 200 and "content-encoding" not in answer.headers
