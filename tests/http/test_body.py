"""Request bodies: size, encoding, compression, and errors named by their place."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from retainer.errors import Invalid
from retainer.http.body import decode
from retainer.records.documents.model import DocumentCreate
from retainer.routes import ROUTES, TABLE
from support.cast import Cast
from support.kill import workers
from support.organizations import refused
from support.samples import (
    NDJSON,
    activity,
    file,
    link,
    loose_contact,
    membership,
    nothing,
    organization,
    project,
    task,
    unique_email,
    user,
    view,
)
from support.server import Server
from support.sql import Sql

JSON = {"Content-Type": "application/json"}


@pytest.mark.slow
def test_a_body_of_a_gigabyte_is_refused_without_reading_it(server: Server, cast: Cast) -> None:
    before = memory(server)
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(
            (
                f"POST /api/organizations HTTP/1.1\r\nHost: x\r\nCookie: connect.sid={cast.ada.token}\r\n"
                "Content-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n"
            ).encode()
        )
        assert b" 413 " in raw.recv(4096)
    assert memory(server) < before + 20_000


@pytest.mark.slow
def test_an_endless_body_is_refused_on_the_way(server: Server, cast: Cast) -> None:
    before = memory(server)

    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 65536

    try:
        answer = cast.ada.request(
            "POST",
            "/api/organizations",
            content=endless(),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 413
    except httpx.TransportError:
        pass  # refused while still writing
    assert memory(server) < before + 20_000


def memory(server: Server) -> int:
    """Resident KiB of the serving processes."""
    total = 0
    for pid in workers(server):
        text = Path(f"/proc/{pid}/status").read_text()
        total += int(text.split("VmRSS:")[1].split()[0])
    return total


def test_a_compressed_body_is_415_and_names_the_header(cast: Cast) -> None:
    path = "/api/organizations"
    answer = cast.ada.post(
        path, {"name": "Zip", "type": "other"}, headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 415
    assert "Content-Encoding" in answer.json()["detail"]
    plain = cast.ada.post(
        path, {"name": "Zip", "type": "other"}, headers={"Content-Encoding": "identity"}
    )
    assert plain.status_code == 200


def test_a_wrong_item_of_an_array_is_named_by_its_place() -> None:
    body = (
        b'{"name": "D", "url": "https://x.example", "projectIds": [1, "two", 0, 9007199254740992]}'
    )
    with pytest.raises(Invalid) as refused:
        decode(body, DocumentCreate)
    errors = {error.field: error.message for error in refused.value.errors}
    assert list(errors) == ["projectIds[1]", "projectIds[2]", "projectIds[3]"]
    assert errors["projectIds[1]"] == 'must be a whole number from 1 to 9007199254740991, not "two"'
    with pytest.raises(Invalid) as refused:
        decode(b'{"name": "D", "url": "https://x.example", "projectIds": "1"}', DocumentCreate)
    assert [error.field for error in refused.value.errors] == ["projectIds"]


def test_an_id_too_large_is_refused_with_the_largest_id(cast: Cast) -> None:
    answer = cast.ada.post("/api/tasks", {"title": "T", "projectId": 2**53})
    assert answer.json()["errors"][0]["message"].startswith(
        "must be a whole number from 1 to 9007199254740991"
    )


DECIMALS = '{"p":0.12345678901234567890123,"q":[1.10,-0.5,1E-30],"n":12345678901234567890.5}'
KEPT = (
    '{"n": 12345678901234567890.5, "p": 0.12345678901234567890123,'
    ' "q": [1.10, -0.5, 0.000000000000000000000000000001]}'
)


def test_numbers_of_metadata_keep_all_their_digits(cast: Cast) -> None:
    """By whatever way they come: create, update, upsert, in bulk, by a form, and out as CSV."""
    body = f'{{"name":"N","type":"other","metadata":{DECIMALS}}}'.encode()
    as_json = {"Content-Type": "application/json"}
    made = cast.ada.request("POST", "/api/organizations", content=body, headers=as_json)
    assert f'"metadata":{KEPT}' in made.text
    path = f"/api/organizations/{made.json()['id']}"
    cast.ada.put(path, {"metadata": None})
    content = f'{{"metadata":{DECIMALS}}}'
    answer = cast.ada.request("PUT", path, content=content, headers=as_json)
    assert f'"metadata":{KEPT}' in answer.text
    upserted = cast.ada.request(
        "PUT", "/api/organizations/by/externalId/dec", content=body, headers=as_json
    )
    assert f'"metadata":{KEPT}' in upserted.text
    lines = f'{{"method":"POST","path":"/api/organizations","body":{body.decode()}}}\n'
    bulk = cast.ada.request(
        "POST",
        "/api/bulk",
        content=lines * 3,
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert bulk.text.count(f'"metadata":{KEPT}') == 3, bulk.text
    row = cast.ada.get(f"{path.rpartition('/')[0]}?id={made.json()['id']}&fields=metadata",
                       headers={"Accept": "text/csv"}).text  # fmt: skip
    assert "0.12345678901234567890123" in row
    assert "[1.10,-0.5," in row


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1e-20000", "1.8e308"])
def test_a_number_out_of_range_is_refused_by_its_path(cast: Cast, number: str) -> None:
    answer = cast.ada.request(
        "POST",
        "/api/organizations",
        content=f'{{"name":"N","type":"other","metadata":{{"a":[{{"b":{number}}}]}}}}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == "metadata.a[0].b"
    assert "1.79E+308" in error["message"]


def test_a_body_in_another_encoding_is_refused_by_name(cast: Cast) -> None:
    content = '{"name": "Café", "type": "other"}'.encode("latin-1")
    answer = cast.ada.request(
        "POST", "/api/organizations", content=content, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["detail"]) == (400, "The body is not text in UTF-8.")


def test_a_body_that_was_read_whole_is_not_waited_for_again(cast: Cast, server: Server) -> None:
    ida = cast.person("Ida", "admin")
    assert ida.get("/api/user").status_code == 200, "her role is remembered"
    superuser = Sql(server.database_url.replace("retainer@/retainer", "postgres@/retainer"))
    superuser.rows("SET session_replication_role = replica")  # no trigger tells the server
    superuser.rows("UPDATE users SET role = 'consultant' WHERE id = $1", ida.id)
    superuser.close()
    began = time.monotonic()
    assert ida.post(f"/api/organizations/{cast.acme}/duplicate", {}).status_code == 200
    assert time.monotonic() - began < 3


TYPES_OF_NOTHING = [
    {"Content-Type": "application/x-www-form-urlencoded"},  # axios, wget, Java, Ruby
    {"Content-Type": "application/octet-stream"},  # aiohttp
    {"Content-Type": "text/plain; charset=utf-8", "Content-Encoding": "gzip"},
    {"Content-Type": "multipart/form-data"},
]


@pytest.mark.parametrize("headers", TYPES_OF_NOTHING)
@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_body_that_is_not_there_is_not_judged_by_its_type(
    cast: Cast, headers: dict[str, str], in_chunks: bool
) -> None:
    def status(method: str, path: str) -> int:
        content = iter([b""]) if in_chunks else b""
        return cast.ada.request(method, path, content=content, headers=headers).status_code

    acme = f"/api/organizations/{cast.acme}"
    assert status("POST", f"{acme}/duplicate") == 200
    assert status("POST", f"/api/users/{cast.cora.id}/links") == 200
    assert status("GET", acme) == 200
    assert status("DELETE", f"/api/organizations/{cast.globex}") == 204
    operation = cast.ada.get("/api/operations?limit=1").json()[0]["id"]
    assert status("POST", f"/api/operations/{operation}/undo") == 200
    for method, path in [
        ("POST", "/api/organizations"),
        ("PUT", acme),
        ("POST", "/api/documents"),
        ("POST", "/api/bulk"),
    ]:
        assert status(method, path) == 400, (method, path)
    assert status("POST", "/api/logout") == 204


def test_a_body_that_is_there_is_judged_by_its_type(cast: Cast) -> None:
    for content in (b"x", iter([b"", b"x"])):
        answer = cast.ada.request(
            "POST",
            f"/api/organizations/{cast.acme}/duplicate",
            content=content,
            headers={"Content-Type": "text/plain"},
        )
        assert answer.status_code == 415
        assert answer.json()["detail"].startswith("This path takes no body; send none")


WHOLE = {
    "updateOrganization": organization,
    "updateMember": membership,
    "updateContact": loose_contact,
    "updateProject": project,
    "updateTask": task,
    "updateDocument": file,
    "updateActivity": activity,
    "updateView": view,
    "updateUser": user,
    "updateOwnUser": nothing,
    "updateTenant": nothing,
}
BY_KEY = {route.name for route in ROUTES if "/by/" in route.path}
# A change of an import has it planned anew, and a decision is of one row.
OF_IMPORTS = {"updateImport", "decideImportRow", "decideImportRows"}
UNREAD = {"changeOwnPassword", *BY_KEY, *OF_IMPORTS}


def test_every_change_of_a_record_is_tried_with_the_whole_of_it() -> None:
    changes = {r.name for r in ROUTES if r.method in ("PUT", "PATCH") and not r.page and r.body}
    assert changes == WHOLE.keys() | UNREAD


@pytest.mark.parametrize("name", WHOLE)
def test_a_record_may_be_written_back_as_it_was_read(cast: Cast, name: str) -> None:
    route = TABLE.by_name[name]
    ids = dict(zip(route.parameters, WHOLE[name](cast), strict=True))
    path = "/api" + route.path.format(**ids)
    record = cast.ada.get(path).json()
    assert cast.ada.request(route.method, path, json=record).status_code == 200
    same = cast.ada.get(path).json()
    assert same | {"updatedAt": None} == record | {"updatedAt": None}
    theirs = record.keys() - set(route.body.__struct_encode_fields__) - ids.keys()
    odd = record | {field: [{"odd": 1}] for field in theirs}
    assert cast.ada.request(route.method, path, json=odd).status_code == 200
    for field in ids.keys() & record.keys():
        for value in (record[field] + 1, str(record[field]), None, float(record[field])):
            answer = cast.ada.request(route.method, path, json=record | {field: value})
            if value != record[field] or isinstance(value, str):
                assert refused(answer, 422)[0] == field
    unknown = cast.ada.request(route.method, path, json=record | {"nonsense": 1})
    assert refused(unknown, 422)[0] == "nonsense"
    line = {"method": route.method, "path": path, "body": record}
    if TABLE.takes_in_bulk(route):
        done = cast.ada.post("/api/bulk", content=json.dumps(line) + "\n", headers=NDJSON)
        assert done.json()["status"] == 200, done.text


@pytest.mark.parametrize(
    ("path", "made"),
    [("/api/tasks", task), ("/api/documents", file), ("/api/activities", activity)],
)
def test_a_record_may_be_written_back_as_a_list_shows_it(
    cast: Cast, path: str, made: Callable[[Cast], tuple[int, ...]]
) -> None:
    (id,) = made(cast)
    (row,) = [each for each in cast.ada.get(path).json() if each["id"] == id]
    more = row.keys() - cast.ada.get(f"{path}/{id}").json().keys()
    assert more
    answer = cast.ada.put(f"{path}/{id}", row)
    assert answer.status_code == 200, answer.text


def test_a_links_address_comes_back_and_a_files_address_cannot_become_a_links(cast: Cast) -> None:
    (link_id,), (file_id,) = link(cast), file(cast)
    shared = cast.ada.get(f"/api/documents/{link_id}").json()
    assert cast.ada.put(f"/api/documents/{link_id}", shared).status_code == 200
    content = f"/api/documents/{file_id}/content"
    assert refused(cast.ada.put(f"/api/documents/{link_id}", {"url": content}), 422)[0] == "url"
    for url in ("https://x.example", f"/api/documents/{link_id}/content"):
        assert refused(cast.ada.put(f"/api/documents/{file_id}", {"url": url}), 422)[0] == "url"


def test_an_upsert_takes_the_record_as_it_was_answered(cast: Cast) -> None:
    cast.ada.put(f"/api/organizations/{cast.acme}", {"externalId": "A1", "domains": ["a.example"]})
    record = cast.ada.get(f"/api/organizations/{cast.acme}").json()
    for key in ("externalId/A1", "domain/a.example"):
        answer = cast.ada.put(f"/api/organizations/by/{key}", record)
        assert (answer.status_code, answer.json().get("id")) == (200, cast.acme), answer.text


def test_only_fields_of_the_record_are_called_read_only(cast: Cast) -> None:
    (id,) = loose_contact(cast)
    for field in ("ownerId", "sha256"):
        told = refused(cast.ada.put(f"/api/contacts/{id}", {field: 1}), 422)
        assert told[0] == field and told[1].startswith("is not a field here; the fields are")
    body = {"fullName": "B", "email": unique_email(), "type": "client", "id": 1}
    told = refused(cast.ada.post("/api/contacts", body), 422)
    assert told == ("id", "is read-only; leave it out")


TWICE = {
    '{"name": 5, "name": "ok", "type": "customer"}': {"name"},
    '{"website": "https://a", "name": "N", "website": null, "type": "other"}': {"website"},
    '{"name": "N", "\\u006eame": "N", "type": "other"}': {"name"},
    '{"name": "N", "type": "other", "metadata": {"a": [1, {"b": 1, "b": 2}], "c": 1, "c": 1}}': {
        "metadata.a[1].b",
        "metadata.c",
    },
}


@pytest.mark.parametrize("raw", TWICE)
def test_a_key_that_is_given_twice_is_named(cast: Cast, raw: str) -> None:
    answer = cast.ada.post("/api/organizations", content=raw, headers=JSON)
    assert answer.status_code == 422
    problems = {e["field"]: e["message"] for e in answer.json()["errors"]}
    assert {f for f, m in problems.items() if m == "is given twice; give it once"} == TWICE[raw]


@pytest.mark.parametrize(
    ("method", "path", "raw"),
    [
        ("POST", "/api/contacts", '{"fullName": 1, "fullName": "A"}'),
        ("POST", "/api/login", '{"username": 1, "username": "a", "password": "b"}'),
        ("PATCH", "/api/organizations/{}/members/{}", '{"role": 1, "role": "member"}'),
        ("POST", "/api/activities", '{"text": 1, "text": "A"}'),
        ("POST", "/api/bulk", '{"method": "PUT", "path": "/x", "path": "/y"}'),
    ],
)
def test_every_refused_body_has_its_problems(cast: Cast, method: str, path: str, raw: str) -> None:
    path = path.format(*membership(cast)).replace(
        "activities", f"organizations/{cast.acme}/activities"
    )
    headers = NDJSON if path == "/api/bulk" else JSON
    answer = cast.ada.request(method, path, content=raw, headers=headers)
    assert answer.status_code == 422 and answer.json()["errors"], answer.text
    assert "is given twice; give it once" in answer.text


def test_a_number_or_text_that_cannot_be_kept_is_named_by_its_path(cast: Cast) -> None:
    for value, words in (("1e400", "must be a number of at most"), ('"\\ud800"', "surrogate")):
        raw = f'{{"name": "N", "type": "other", "metadata": {{"a": [0, {{"b": {value}}}]}}}}'
        answer = cast.ada.post("/api/organizations", content=raw, headers=JSON)
        field, message = refused(answer, 422)
        assert field == "metadata.a[1].b" and words in message


def test_a_byte_order_mark_is_skipped_and_utf_16_is_named(cast: Cast) -> None:
    body = '{"name": "Mark", "type": "other"}'
    marked = cast.ada.post("/api/organizations", content=body.encode("utf-8-sig"), headers=JSON)
    assert (marked.status_code, marked.json()["name"]) == (200, "Mark")
    line = json.dumps({"method": "POST", "path": "/organizations", "body": json.loads(body)})
    many = cast.ada.post("/api/bulk", content=f"{line}\n".encode("utf-8-sig"), headers=NDJSON)
    assert many.json()["status"] == 200, many.text
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        answer = cast.ada.post("/api/organizations", content=body.encode(encoding), headers=JSON)
        assert answer.status_code == 400
        assert answer.json()["detail"] == "The body is not text in UTF-8."


def test_another_site_s_page_may_not_send_an_empty_body(cast: Cast) -> None:
    answer = cast.ada.post(
        f"/api/organizations/{cast.acme}/duplicate",
        headers={"Content-Type": "text/plain", "Origin": "https://elsewhere.example"},
    )
    assert answer.status_code == 403
