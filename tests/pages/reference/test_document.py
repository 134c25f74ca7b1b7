"""The OpenAPI document and its page, made without a server: every route is in it, and every part of it is used."""

import json
import re
from collections.abc import Iterator
from enum import StrEnum
from html.parser import HTMLParser
from typing import Any, get_args

import jsonschema_rs
import pytest

from retainer.errors import title
from retainer.http.body import read_only
from retainer.http.routing import TEXT, Route
from retainer.lists.parameters import GENERAL
from retainer.lists.parameters import names as list_names
from retainer.lists.spec import FieldType, ListSpec
from retainer.pages.reference import document
from retainer.pages.reference import page as api_page
from retainer.permissions import PERMISSIONS, PUBLIC, Role
from retainer.records.documents.model import Format
from retainer.routes import ROUTES, TABLE

DOCUMENT = document.document(ROUTES)
SCHEMAS = DOCUMENT["components"]["schemas"]
DESCRIBED = [route for route in ROUTES if not route.page]

# Every enumeration of the code but two that no answer has: a field's type, and a file's.
ENUMS = [
    each
    for each in StrEnum.__subclasses__()
    if each.__module__.startswith("retainer.") and each not in (FieldType, Format)
]

routes = pytest.mark.parametrize("route", DESCRIBED, ids=lambda r: r.name)


def operation(route: Route) -> dict[str, Any]:
    return DOCUMENT["paths"][route.path][route.method.lower()]


def validator(schema: dict[str, Any]) -> Any:
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": DOCUMENT["components"],
        **schema,
    }
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def test_the_document_is_valid_openapi() -> None:
    # Imported here: it takes a second or two in each process that collects tests.
    from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(DOCUMENT)] == []


def test_the_document_describes_every_route_and_nothing_else() -> None:
    described = {
        (path, method.upper()) for path, methods in DOCUMENT["paths"].items() for method in methods
    }
    assert described == {(route.path, route.method) for route in DESCRIBED}
    assert all(
        route.path.startswith("/") and not route.path.startswith("/api") for route in DESCRIBED
    )


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    text = json.dumps(DOCUMENT)
    used = set(re.findall(r'"\$ref": "#/components/(\w+)/([^"]+)"', text))
    there = {
        (kind, name)
        for kind in ("schemas", "responses", "headers", "parameters")
        for name in DOCUMENT["components"][kind]
    }
    assert used == there


@routes
def test_an_operation_has_a_summary_and_says_who_may_call_it(route: Route) -> None:
    found = operation(route)
    assert found["operationId"] == route.name
    assert found["summary"] and found["tags"] == [route.tag]
    assert route.tag in {tag["name"] for tag in DOCUMENT["tags"]}
    assert "Who may: " in found["description"]
    if route.permission == PUBLIC:
        assert found["security"] == [] and found["x-roles"] == []
    else:
        assert "security" not in found
        assert set(found["x-roles"]) == PERMISSIONS[route.permission].roles
        assert PERMISSIONS[route.permission].sentence in found["description"]


@routes
def test_an_operations_path_parameters_are_described(route: Route) -> None:
    in_path = [p for p in operation(route).get("parameters", []) if p.get("in") == "path"]
    assert [p["name"] for p in in_path] == route.parameters
    for parameter in in_path:
        assert parameter["required"] and parameter["description"]
        if parameter["name"] == TEXT:
            assert parameter["schema"]["type"] == "string" and parameter["schema"]["minLength"] == 1
        else:
            assert parameter["schema"]["format"] == "int64" and parameter["schema"]["minimum"] == 1


@routes
def test_a_request_body_refuses_unknown_fields_and_has_a_valid_example(route: Route) -> None:
    body = operation(route).get("requestBody", {"content": {}})
    kinds = {
        "application/json": route.body,
        "application/x-ndjson": route.lines,
        "multipart/form-data": route.form,
    }
    assert list(body["content"]) == [kind for kind, type in kinds.items() if type][:1]
    for content in body["content"].values():
        name = content["schema"]["$ref"].rpartition("/")[2]
        assert SCHEMAS[name]["additionalProperties"] is False
        assert validator(content["schema"]).is_valid(content["example"])


@routes
def test_an_operations_success_status_is_that_of_the_route(route: Route) -> None:
    success = operation(route)["responses"][str(route.status)]
    assert "X-Request-Id" in success["headers"]
    assert ("content" in success) == (route.response_type is not None)
    content = success.get("content", {}).get("application/json", {})
    if "example" in content:
        assert validator(content["schema"]).is_valid(content["example"])


@routes
def test_an_operation_lists_every_refusal(route: Route) -> None:
    answers = operation(route)["responses"]
    codes = {int(code) for code in answers if int(code) >= 400}
    expected = {415, 422, 500, 503, *route.errors}
    expected |= {401} if route.permission != PUBLIC else set()
    expected |= {403, 507} if route.changes else set()
    expected |= {404} if route.parameters else set()
    expected |= {409} if route.changes and route.keyed else set()
    expected |= {412} if TABLE.takes_conditions(route) else set()
    expected |= {400, 413} if route.changes else set()
    limited = route.permission != PUBLIC and PERMISSIONS[route.permission].roles != frozenset(Role)
    assert codes == expected | ({403} if limited else set())
    for code in codes:
        response = DOCUMENT["components"]["responses"][
            answers[str(code)]["$ref"].rpartition("/")[2]
        ]
        content = response["content"]["application/problem+json"]
        assert content["schema"] == {"$ref": "#/components/schemas/ProblemDetails"}
        assert content["example"]["status"] == code
        assert content["example"]["title"] == title(code)
        assert validator(content["schema"]).is_valid(content["example"])


@pytest.mark.parametrize("enum", ENUMS, ids=lambda e: e.__name__)
def test_enums_are_complete_and_in_order(enum: type[StrEnum]) -> None:
    assert SCHEMAS[enum.__name__]["enum"] == [member.value for member in enum]


def test_every_enum_of_the_code_is_in_the_document() -> None:
    assert {name for name, schema in SCHEMAS.items() if "enum" in schema} == {
        enum.__name__ for enum in ENUMS
    }


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_and_field_has_a_description_and_a_valid_example(name: str) -> None:
    schema = SCHEMAS[name]
    assert all(validator(schema).is_valid(example) for example in schema["examples"])
    for field, given in schema.get("properties", {}).items():
        assert given["description"], field
        assert all(validator(given).is_valid(example) for example in given.get("examples", [])), (
            field
        )


def test_the_session_cookie_is_the_security_scheme() -> None:
    scheme = DOCUMENT["components"]["securitySchemes"]["connect.sid"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "cookie", "connect.sid")
    assert DOCUMENT["security"] == [{"connect.sid": []}]
    assert DOCUMENT["servers"][0]["url"] == "/api"


def test_the_schema_of_organizations_is_that_of_the_contract() -> None:
    answer, create, update = (
        SCHEMAS["Organization"],
        SCHEMAS["OrganizationCreate"],
        SCHEMAS["OrganizationUpdate"],
    )
    assert answer["required"] == ["id", "name", "type", "status", "createdAt", "updatedAt"]
    assert create["required"] == ["name", "type"]
    assert create["properties"]["status"]["default"] == "active"
    assert "required" not in update
    assert answer["examples"][0]["name"] == "Acme Corporation"
    for field in ("industry", "website", "description", "metadata"):
        assert {"type": "null"} in answer["properties"][field]["anyOf"]


@pytest.mark.parametrize("text", ["a\0", "\0", " ", "\n", "\x1c", "\x85", ""])
def test_names_that_the_server_refuses_are_refused_by_the_schema(text: str) -> None:
    assert not validator(SCHEMAS["OrganizationCreate"]).is_valid({"name": text, "type": "other"})


@pytest.mark.parametrize("email", ["a@b", "ü@ö.example", "a b@c", "a@b@c", "a\0@b", "@b", "a@"])
def test_the_schema_accepts_the_same_emails_as_the_server(email: str) -> None:
    body = {"fullName": "Kim", "email": email, "type": "client"}
    assert validator(SCHEMAS["ContactCreate"]).is_valid(body) == (email in ("a@b", "ü@ö.example"))


def test_metadata_is_any_object_and_no_schema_leads_back_to_itself() -> None:
    assert SCHEMAS["Metadata"]["type"] == "object"
    assert SCHEMAS["Metadata"]["additionalProperties"] is True
    assert "JsonValue" not in SCHEMAS

    def reached(name: str, seen: frozenset[str]) -> None:
        assert name not in seen, f"{name} leads back to itself"
        text = json.dumps(SCHEMAS[name])
        for inner in set(re.findall(r"#/components/schemas/(\w+)", text)):
            reached(inner, seen | {name})

    for name in SCHEMAS:
        reached(name, frozenset())


@pytest.mark.parametrize("route", [r for r in DESCRIBED if r.lists], ids=lambda route: route.name)
def test_the_items_of_a_list_are_its_type_as_json(route: Route) -> None:
    content = operation(route)["responses"]["200"]["content"]
    assert list(content) == ["application/json"]
    schema = content["application/json"]["schema"]
    (item,) = get_args(route.response_type)
    assert schema == {
        "type": "array",
        "items": {"$ref": f"#/components/schemas/{item.__name__}"},
    }


@routes
def test_an_operation_has_one_answer_and_one_type_of_body(route: Route) -> None:
    found = operation(route)
    good = {int(code) for code in found["responses"] if int(code) < 300}
    more = {201} if route.creates else {206} if route.response_type is bytes else set()
    assert good == {route.status} | more
    for code in good:
        assert len(found["responses"][str(code)].get("content", {"": {}})) == 1
    assert len(found.get("requestBody", {"content": {"": {}}})["content"]) == 1


def patterns(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        for child in node.values():
            yield from patterns(child)
    elif isinstance(node, list):
        for child in node:
            yield from patterns(child)


PATTERNS = sorted(set(patterns(DOCUMENT)))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_is_one_in_every_language(pattern: str) -> None:
    re.compile(pattern)
    assert "(?" not in pattern, "RE2 has no lookaround, and groups are spelled differently"
    # Escapes that ECMAScript with `u`, Python and RE2 all have; a quote breaks generated code.
    escapes = set(re.findall(r"\\(x[0-9a-f]{2}|.)", pattern))
    assert {e for e in escapes if len(e) == 1} <= set(r"sSdw.*+?()[]{}|^$\-/") - {"/"}
    assert '\\"' not in pattern


def test_no_create_schema_has_a_default_that_says_nothing() -> None:
    for name, schema in SCHEMAS.items():
        for field, given in schema.get("properties", {}).items():
            assert given.get("default", 1) not in (None, []), f"{name}.{field}"


def test_a_file_is_bytes_of_any_length() -> None:
    for name in ("DocumentForm", "VersionForm"):
        file = SCHEMAS[name]["properties"]["file"]
        assert (file["type"], file["format"]) == ("string", "binary")
        assert not file.keys() & {"minLength", "pattern"}
    content = DOCUMENT["paths"]["/documents/{id}/content"]["get"]["responses"]["200"]["content"]
    assert content == {
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
    }
    assert list(DOCUMENT["paths"]["/documents/files"]["post"]["requestBody"]["content"]) == [
        "multipart/form-data"
    ]


def parameters_of(route: Route) -> list[dict[str, Any]]:
    found = operation(route).get("parameters", [])
    shared = DOCUMENT["components"]["parameters"]
    return [shared[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in found]


@routes
def test_an_operation_has_few_parameters_each_of_its_own_name(route: Route) -> None:
    names = [parameter["name"] for parameter in parameters_of(route)]
    assert len(names) == len(set(names))
    query = {p["name"] for p in parameters_of(route) if p["in"] == "query"}
    if route.lists:
        assert query <= {
            "limit",
            "cursor",
            "fields",
            "sort",
            "expand",
            "count",
            "q",
            "filter",
            "filters",
        }


@pytest.mark.parametrize("route", [r for r in DESCRIBED if r.lists], ids=lambda route: route.name)
def test_the_filters_of_a_list_stand_in_one_parameter(route: Route) -> None:
    assert isinstance(route.lists, ListSpec)
    filters = next((p for p in parameters_of(route) if p["name"] == "filters"), None)
    rows = filters["x-filters"] if filters else []
    told = {
        row["name"] + operator.replace("=", "") for row in rows for operator in row["operators"]
    }
    taken = set(list_names(route.lists)) - set(GENERAL) - {"q"}
    of_parent = {name for name in taken if name.split(":")[0] in set(route.parameters) - {"id"}}
    assert told == taken - of_parent
    if filters:
        assert (filters["style"], filters["explode"]) == ("form", True)
        assert filters["schema"]["additionalProperties"] == {"type": "string"}
        assert all(name in filters["description"] for name in told)


@pytest.mark.parametrize("route", [r for r in DESCRIBED if r.body], ids=lambda route: route.name)
def test_a_change_lists_what_it_ignores_as_read_only(route: Route) -> None:
    properties = SCHEMAS[route.body.__name__]["properties"]
    shown = {name for name, field in properties.items() if field.get("readOnly")}
    if route.method in ("PUT", "PATCH"):
        assert shown == read_only(TABLE.record(route), route.body)
    else:
        assert shown == set()


def test_every_tag_that_has_a_sentence_is_used() -> None:
    assert set(document.TAGS) == {tag["name"] for tag in DOCUMENT["tags"]}


class Page(HTMLParser):
    """The parts of the page that the checks need."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.text = ""
        self.feed(html)
        self.ids = [given["id"] for _, given in self.tags if "id" in given]

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(api_page.page(DOCUMENT, "http://127.0.0.1:8000").decode())


def test_the_reference_page_has_every_operation_with_its_path_and_command(page: Page) -> None:
    for route in DESCRIBED:
        assert route.name in page.ids
        assert route.summary in page.text and route.path in page.text
    assert page.text.count("curl ") >= len(DESCRIBED)


def test_the_reference_page_has_no_inline_style_or_script(page: Page) -> None:
    for tag, given in page.tags:
        assert (
            tag != "style"
            and "style" not in given
            and not any(name.startswith("on") for name in given)
        )
        assert tag != "script" or given.get("src", "").startswith("/static/")


def test_the_reference_page_has_unique_ids_one_heading_and_valid_anchors(page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    assert [tag for tag, _ in page.tags].count("h1") == 1
    links = [given["href"] for tag, given in page.tags if tag == "a"]
    assert links[0] == "#main", "the first link skips to the content"
    assert {link[1:] for link in links if link.startswith("#")} <= set(page.ids)


def test_descriptions_are_escaped_on_the_reference_page() -> None:
    hostile = json.loads(
        json.dumps(DOCUMENT).replace("Create a new organization", "<script>alert(1)</script>")
    )
    html = api_page.page(hostile, "http://x").decode()
    assert "<script>alert" not in html and "&lt;script&gt;alert(1)" in html
