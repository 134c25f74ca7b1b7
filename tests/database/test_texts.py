"""Texts: trimmed, empty or null, without control characters; of every noun, whatever way they come."""

import itertools
import json
import re
from typing import Any

import httpx
from msgspec import inspect

from retainer.database import texts
from retainer.routes import ROUTES
from support.cast import Cast
from support.pages.forms import sent
from support.sql import Sql

# Texts of bodies that are kept or judged in their own way.
EXEMPT = {
    ("Login", "password"), ("Setup", "token"), ("Setup", "password"), ("PasswordChange", "currentPassword"),
    ("PasswordChange", "newPassword"), ("Confirmation", "password"), ("ViewCreate", "noun"), ("ViewCreate", "query"), ("ViewUpdate", "query"),
    ("AccountUpdate", "timeZone"), ("TenantUpdate", "timeZone"), ("TenantUpdate", "country"),
    ("OrganizationCreate", "domains"), ("OrganizationUpdate", "domains"),
    ("ImportUpdate", "keys"), ("ImportUpdate", "sheet"), ("ImportUpdate", "delimiter"), ("ImportUpdate", "encoding"),
    ("DocumentForm", "file"), ("VersionForm", "file"),
}  # fmt: skip
BODIES = sorted({route.body for route in ROUTES if route.body}, key=lambda body: body.__name__)


def has_text(kind: Any) -> bool:
    match kind:
        case inspect.Metadata(type=inner) | inspect.ListType(item_type=inner):
            return has_text(inner)
        case inspect.UnionType(types=types):
            return any(map(has_text, types))
    return isinstance(kind, inspect.StrType)


def test_every_text_of_a_body_has_its_rule() -> None:
    for body in BODIES:
        ruled = {rule.name for rule in texts.rules(body)}
        for field in inspect.type_info(body).fields:  # type: ignore[attr-defined]
            if has_text(field.type):
                is_exempt = (body.__name__, field.encode_name) in EXEMPT
                assert (field.encode_name in ruled) != is_exempt, (body.__name__, field.encode_name)


def records(cast: Cast) -> dict[str, dict[str, Any]]:
    """The path of a record of each noun with a body that creates one."""
    return {
        "/api/organizations": {"name": "N", "type": "other"},
        "/api/contacts": {"fullName": "N", "email": "n@x.example", "type": "client"},
        "/api/projects": {"title": "N", "organizationId": cast.acme},
        "/api/tasks": {"title": "N", "organizationId": cast.acme},
        "/api/documents": {"name": "N", "url": "https://x.example"},
        "/api/views": {"noun": "tasks", "name": "N"},
        f"/api/organizations/{cast.acme}/activities": {"text": "N"},
        "/api/users": {"username": "n@x.example", "fullName": "N", "role": "staff"},
    }


def body_of(path: str, method: str) -> type[Any]:
    pattern = re.sub(r"/\d+/", "/{organizationId}/", path.removeprefix("/api"))
    (body,) = (r.body for r in ROUTES if r.path == pattern and r.method == method and not r.page)
    assert body is not None
    return body


def problem(answer: httpx.Response) -> tuple[str, str]:
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    return error["field"], error["message"]


def test_each_text_of_each_noun_is_trimmed_emptied_or_refused(cast: Cast) -> None:
    numbers = itertools.count()
    for path, base in records(cast).items():
        for rule in texts.rules(body_of(path, "POST")):
            plain = base.get(rule.name, "Some text")

            def post(value: Any, path: str = path, base: Any = base, rule: Any = rule) -> Any:
                own = {key: f"n{next(numbers)}@x.example" for key in base if "@" in str(base[key])}
                body = base | own | {rule.name: [value] if rule.is_list else value}
                return cast.ada.post(path, body)

            for bad in ("a\x01b", "a\x9fb", *(["a\nb", "a\tb", "a\u2028b"] * rule.is_one_line)):
                field, message = problem(post(bad))
                assert field in (rule.name, f"{rule.name}[0]"), (path, bad)
                if "@" not in str(plain) and rule.name != "url":
                    assert "control characters" in message
            if rule.is_seen:
                for unseen in ("\u200b\u2060", "\ufeff", "\u3164", "\u0301"):
                    assert "seen" in problem(post(unseen))[1], (path, rule.name, unseen)
            kept = post(f" \u3000{plain}\u2003 " if rule.is_one_line else f" {plain}\r\n\t ")
            assert kept.status_code == 200, (path, rule, kept.text)
            value = kept.json()[rule.name]
            expected = plain if rule.is_one_line else f" {plain}\r\n\t "
            assert value == ([expected] if rule.is_list else expected), (path, rule.name)
            if rule.is_nullable:
                for empty in ("", "  "):
                    assert post(empty).json()[rule.name] is None, (path, rule.name)
            elif not rule.is_list:
                assert problem(post(""))[0] == rule.name
                assert problem(post("  "))[0] == rule.name


def test_texts_are_trimmed_by_every_way_they_come(cast: Cast) -> None:
    id = cast.acme
    path = f"/api/organizations/{id}"
    assert cast.ada.put(path, {"industry": "  Retail  "}).json()["industry"] == "Retail"
    assert cast.ada.get("/api/organizations?industry=retail").json()
    assert cast.ada.put(path, {"name": f"  {'n' * 255}  "}).json()["name"] == "n" * 255
    line = {"method": "PUT", "path": path, "body": {"industry": " Bulk ", "website": ""}}
    bulk = cast.ada.request(
        "POST",
        "/api/bulk",
        content=json.dumps(line),
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert [bulk.json()["body"][name] for name in ("industry", "website")] == ["Bulk", None]
    upserted = cast.ada.put(
        "/api/organizations/by/externalId/%20key%20", {"name": " U ", "type": "other"}
    )
    assert [upserted.json()[name] for name in ("name", "externalId")] == ["U", "key"]
    again = cast.ada.put("/api/organizations/by/externalId/key", {"industry": "X"})
    assert again.json()["id"] == upserted.json()["id"]
    sent(cast.ada, "/organizations", name="  Form  ", type="other", website=" https://f.example ")
    (made,) = cast.ada.get("/api/organizations?name=form").json()
    assert (made["name"], made["website"]) == ("Form", "https://f.example")


def test_an_empty_filter_by_tags_is_refused(cast: Cast) -> None:
    for query in ("tags=", "tags:not=", "tags=%20"):
        assert problem(cast.ada.get(f"/api/organizations?{query}"))[0].startswith("tags")


def test_an_undo_keeps_the_rules_of_texts(cast: Cast) -> None:
    """Values from before there were rules are brought into their form; what is left of nothing is a clash."""
    path = f"/api/organizations/{cast.acme}"

    def changed(before: dict[str, Any]) -> int:
        cast.ada.put(path, {"name": "New", "industry": "New", "description": "New"})
        operation = cast.ada.get("/api/operations?limit=1&fields=id").json()[0]["id"]
        cast.sql.rows(
            "UPDATE changes SET before = before || $3::text::jsonb"
            " WHERE tenant_id = $1 AND operation_id = $2",
            cast.tenant,
            operation,
            json.dumps(before),
        )
        return int(operation)

    old = {"name": " Old\tname ", "industry": "", "description": "a\n\x01b"}
    assert cast.ada.post(f"/api/operations/{changed(old)}/undo").status_code == 200
    after = cast.ada.get(path).json()
    assert [after[name] for name in old] == ["Old name", None, "a\n b"]
    unseen = changed({"name": "\u200b"})
    clash = cast.ada.post(f"/api/operations/{unseen}/undo")
    assert clash.status_code == 409, clash.text
    assert clash.json()["errors"][0]["field"] == "name"
    assert "nothing can be seen" in clash.json()["detail"]
    assert cast.ada.get(path).json()["name"] == "New"


CHARACTERS = (
    *map(chr, range(1, 0x2070)), *map(chr, range(0x2800, 0x2802)), "\u3000", "\u3164", "\uffa0", "\ufeff", "電", "\U0001f600",
    "\ue000", "\U000e0001",
)  # fmt: skip


def test_the_database_and_the_api_keep_texts_alike(sql: Sql) -> None:
    rows = sql.rows(
        "SELECT c, one_line(c || 'a' || c) AS line, is_seen(c) AS seen FROM unnest($1::text[]) c",
        list(CHARACTERS),
    )
    name = texts.Rule("name", "name", True, True, False, False)
    for row in rows:
        character = row["c"]
        judged = texts._problem(name, f"a{character}a") or ""
        is_control = "control" in judged
        if not is_control:
            assert row["line"] == f"{character}a{character}".strip(), hex(ord(character))
        assert row["seen"] == (texts._UNSEEN.fullmatch(character) is None), hex(ord(character))
