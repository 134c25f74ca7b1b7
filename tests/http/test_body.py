"""Request bodies: size, encoding, compression, and errors named by their place."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from retainer.errors import Invalid
from retainer.http.body import decode
from retainer.records.documents.model import DocumentCreate
from support.cast import Cast
from support.kill import workers
from support.server import Server
from support.sql import Sql


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
