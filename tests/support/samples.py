"""A sample request for each route of the API."""

import json
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
import msgspec

from retainer.exchange.imports.model import ColumnMapping, Found, FoundColumn, Settings
from retainer.http.routing import Route
from retainer.permissions import PUBLIC
from retainer.routes import ROUTES
from support.cast import Cast, Person

Ids = list[Any]
Sample = tuple[Callable[[Cast], Ids], Any]
NDJSON = {"Content-Type": "application/x-ndjson"}
FILE = {"file": ("brief.txt", b"a brief", "text/plain")}


class Upload(NamedTuple):
    """A form with a file."""

    fields: dict[str, str]


def organization(cast: Cast) -> Ids:
    return [cast.acme]


def membership(cast: Cast) -> Ids:
    return [cast.acme, cast.gita_contact]


def contact(cast: Cast) -> Ids:
    return [cast.gita_contact]


def loose_contact(cast: Cast) -> Ids:
    return [cast.contact("Lou")]


def project(cast: Cast) -> Ids:
    return [
        cast.ada.made("/api/projects", organizationId=cast.acme, title="P", audience="client")["id"]
    ]


def task(cast: Cast) -> Ids:
    return [
        cast.ada.made("/api/tasks", organizationId=cast.acme, title="T", audience="client")["id"]
    ]


def link(cast: Cast) -> Ids:
    body = {
        "name": "D",
        "url": "https://x.example",
        "organizationId": cast.acme,
        "audience": "client",
    }
    return [cast.ada.made("/api/documents", **body)["id"]]


def activity(cast: Cast) -> Ids:
    path = f"/api/organizations/{cast.acme}/activities"
    return [cast.ada.made(path, text="A", audience="client", contactIds=[cast.gita_contact])["id"]]


def file(cast: Cast) -> Ids:
    answer = cast.ada.post(
        "/api/documents", files=FILE, data={"organizationId": str(cast.acme), "audience": "client"}
    )
    assert answer.status_code == 200, answer.text
    return [answer.json()["id"]]


def version(cast: Cast) -> Ids:
    return [*file(cast), 1]


def user(cast: Cast) -> Ids:
    return [cast.person("Uma", "staff").id]


def external_id(cast: Cast) -> Ids:
    return [
        cast.ada.put(f"/api/organizations/{cast.acme}", {"externalId": "CRM 1"}).json()[
            "externalId"
        ]
    ]


def external_id_of(noun: str, of: Callable[[Cast], Ids]) -> Callable[[Cast], Ids]:
    """An external id that a record has."""

    def given(cast: Cast) -> Ids:
        changed = cast.ada.put(f"/api/{noun}/{of(cast)[0]}", {"externalId": secrets.token_hex(6)})
        assert changed.status_code == 200, changed.text
        return [changed.json()["externalId"]]

    return given


def domain(cast: Cast) -> Ids:
    return cast.ada.put(f"/api/organizations/{cast.acme}", {"domains": ["acme.example"]}).json()[
        "domains"
    ]


def operation(cast: Cast) -> Ids:
    """An operation of Stan's: staff undo what they did themselves."""
    cast.stan.put(f"/api/tasks/{task(cast)[0]}", {"status": "review"})
    return [cast.stan.get("/api/operations?limit=1").json()[0]["id"]]


def own_work(cast: Cast) -> Ids:
    """Work of the person who is about to ask."""
    if cast.asking.get("/api/user").json()["role"] != "guest":
        cast.asking.put("/api/tasks/" + str(task(cast)[0]), {"status": "review"})
    return []


def undone_work(cast: Cast) -> Ids:
    own_work(cast)
    cast.asking.post("/api/user/undo")
    return []


def trash(cast: Cast) -> Ids:
    cast.ada.delete(f"/api/tasks/{task(cast)[0]}")
    return []


def view(cast: Cast) -> Ids:
    """A private view of the person who is about to ask."""
    return [cast.asking.made("/api/views", noun="tasks", name=secrets.token_hex(6))["id"]]


def views(cast: Cast) -> Ids:
    view(cast)
    return []


def planned_import(cast: Cast) -> Ids:
    """An import as it is once its rows are planned, which takes the worker a while."""
    key = secrets.token_hex(8)
    return [cast.sql.value(_PLANNED_IMPORT, cast.tenant, cast.ada.id, key, _SETTINGS, _FOUND)]


_SETTINGS = msgspec.json.encode(Settings([ColumnMapping(column="name", field="name")])).decode()
_FOUND = msgspec.json.encode(
    Found("csv", [], [FoundColumn("name", ["Zephyr"], None)], is_own_export=False)
).decode()
_PLANNED_IMPORT = """
    WITH i AS (
        INSERT INTO imports (tenant_id, user_id, noun, file_name, storage_key, size, sha256, state,
            total, done, counts, found, settings)
        VALUES ($1::bigint, $2, 'organizations', 'list.csv', $1::bigint || '/' || $3::text, 20, '', 'planned', 1, 1,
            '{"create": 1}',
            $5::text::json, $4::text::json)
        RETURNING tenant_id, id
    ), r AS (
        INSERT INTO import_rows (tenant_id, import_id, n, cells, outcome, body)
        SELECT tenant_id, id, 2, '{Zephyr}', 'create', '{"name": "Zephyr", "type": "prospect"}' FROM i
    )
    SELECT id FROM i
"""


def imports(cast: Cast) -> Ids:
    planned_import(cast)
    return []


def planned_row(cast: Cast) -> Ids:
    return [*planned_import(cast), 2]


def moved(cast: Cast) -> Ids:
    """The consultancy, whose time zone has changed."""
    cast.ada.put("/api/tenant", {"timeZone": "Europe/Vienna"})
    return []


def nothing(_cast: Cast) -> Ids:
    return []


def line(method: str, path: str, body: Any = None, **more: Any) -> bytes:
    """A line of /bulk."""
    return (
        json.dumps(
            {"method": method, "path": path} | ({} if body is None else {"body": body}) | more
        ).encode()
        + b"\n"
    )


def unique_email() -> str:
    return f"{secrets.token_hex(6)}@example.com"


# For each route: the ids of something that Ada, Cora, Stan and Gita see (or nothing), and a body that works.
SAMPLES: dict[str, Sample] = {
    "listOrganizations": (nothing, None),
    "createOrganization": (nothing, lambda c: {"name": "New", "type": "other"}),
    "getOrganization": (organization, None),
    "updateOrganization": (organization, lambda c: {"industry": "Energy"}),
    "deleteOrganization": (organization, None),
    "duplicateOrganization": (organization, None),
    "putOrganizationByExternalId": (external_id, lambda c: {"industry": "Energy"}),
    "putContactByExternalId": (
        external_id_of("contacts", loose_contact),
        lambda c: {"title": "Head"},
    ),
    "putProjectByExternalId": (external_id_of("projects", project), lambda c: {"status": "active"}),
    "putTaskByExternalId": (external_id_of("tasks", task), lambda c: {"status": "review"}),
    "putActivityByExternalId": (external_id_of("activities", activity), lambda c: {"text": "B"}),
    "putOrganizationByDomain": (domain, lambda c: {"industry": "Energy"}),
    "listOrganizationTasks": (organization, None),
    "listOrganizationProjects": (organization, None),
    "listOrganizationDocuments": (organization, None),
    "listOrganizationHistory": (organization, None),
    "listContactHistory": (contact, None),
    "listProjectHistory": (project, None),
    "listTaskHistory": (task, None),
    "listDocumentHistory": (link, None),
    "listUserHistory": (user, None),
    "listMembers": (organization, None),
    "addMember": (organization, lambda c: {"contactId": c.contact("Mo"), "role": "member"}),
    "getMember": (membership, None),
    "removeMember": (membership, None),
    "updateMember": (membership, lambda c: {"role": "stakeholder"}),
    "listContacts": (nothing, None),
    "createContact": (
        nothing,
        lambda c: {"fullName": "Kim", "email": unique_email(), "type": "client"},
    ),
    "getContact": (contact, None),
    "updateContact": (contact, lambda c: {"title": "Head"}),
    "deleteContact": (loose_contact, None),
    "listProjects": (nothing, None),
    "createProject": (nothing, lambda c: {"organizationId": c.acme, "title": "P"}),
    "getProject": (project, None),
    "updateProject": (project, lambda c: {"status": "active"}),
    "deleteProject": (project, None),
    "listTasks": (nothing, None),
    "createTask": (nothing, lambda c: {"organizationId": c.acme, "title": "T"}),
    "getTask": (task, None),
    "updateTask": (task, lambda c: {"status": "review"}),
    "deleteTask": (task, None),
    "listDocuments": (nothing, None),
    "createDocumentFile": (nothing, lambda c: Upload({"organizationId": str(c.acme)})),
    "createDocument": (
        nothing,
        lambda c: {"name": "D", "url": "https://x.example", "organizationId": c.acme},
    ),
    "getDocument": (link, None),
    "updateDocument": (link, lambda c: {"description": "Signed"}),
    "deleteDocument": (link, None),
    "addDocumentVersion": (file, FILE),
    "listDocumentVersions": (file, None),
    "getDocumentContent": (file, None),
    "getDocumentVersionContent": (version, None),
    "listActivities": (nothing, None),
    "listOrganizationActivities": (organization, None),
    "createActivity": (
        organization,
        lambda c: {
            "text": "A",
            "happenedAt": "2026-01-31T09:30:00Z",
            "contactIds": [c.gita_contact],
        },
    ),
    "getActivity": (activity, None),
    "updateActivity": (activity, lambda c: {"text": "B", "contactIds": [c.stan_contact]}),
    "deleteActivity": (activity, None),
    "listActivityHistory": (activity, None),
    "listOperations": (nothing, None),
    "getOperation": (operation, None),
    "listOperationChanges": (operation, None),
    "undoOperation": (operation, None),
    "previewUndo": (operation, None),
    "undoLast": (own_work, None),
    "redoLast": (undone_work, None),
    "listTrash": (trash, None),
    "searchEverything": (nothing, None),
    "listImports": (imports, None),
    "createImport": (nothing, lambda c: Upload({"noun": "organizations"})),
    "getImport": (planned_import, None),
    "updateImport": (planned_import, lambda c: {"empty": "clear"}),
    "deleteImport": (planned_import, None),
    "listImportRows": (planned_import, None),
    "decideImportRow": (planned_row, lambda c: {"outcome": "skip"}),
    "decideImportRows": (planned_import, lambda c: {"outcome": "skip"}),
    "runImport": (planned_import, None),
    "cancelImport": (planned_import, None),
    "listViews": (views, None),
    "createView": (
        nothing,
        lambda c: {"noun": "tasks", "name": "Mine", "query": "assigneeId=1&sort=-dueDate"},
    ),
    "getView": (view, None),
    "updateView": (view, lambda c: {"query": "status=todo"}),
    "deleteView": (view, None),
    "live": (nothing, None),
    "bulk": (nothing, lambda c: line("POST", "/tasks", {"title": "T", "organizationId": c.acme})),
    "logout": (nothing, None),
    "getOwnUser": (nothing, None),
    "updateOwnUser": (nothing, lambda c: {"timeZone": "Europe/Zurich"}),
    "listUserNames": (nothing, None),
    "listUsers": (nothing, None),
    "createUser": (
        nothing,
        lambda c: {"username": unique_email(), "fullName": "Uli", "role": "staff"},
    ),
    "getUser": (user, None),
    "updateUser": (user, lambda c: {"fullName": "Ute"}),
    "createUserLink": (user, None),
    "endUserSessions": (user, None),
    "listOwnSessions": (nothing, None),
    "getTenant": (nothing, None),
    "updateTenant": (nothing, lambda c: {"country": "AT"}),
    "listTenantHistory": (moved, None),
}

# The parameters that a route cannot do without.
QUERIES = {"searchEverything": "?q=acme", "decideImportRows": "?outcome=create"}

# Not in the checklist, and tested by name: changes of one's own password and session. Public routes are left out, too.
BY_HAND = {"changeOwnPassword", "confirmOwnPassword", "endOwnSession"}

# Seen only by those who may change it: for anybody else there is nothing here to see, allowed or not.
LOOSE = {"deleteContact"}
IMPORTS = {"getImport", "updateImport", "deleteImport", "listImportRows", "decideImportRow", "decideImportRows",
           "runImport", "cancelImport"}  # fmt: skip
ADMIN_ONLY = IMPORTS | {
    "getUser",
    "updateUser",
    "createUserLink",
    "endUserSessions",
    "listUserHistory",
}
CHECKED = [r for r in ROUTES if r.permission != PUBLIC and r.name not in BY_HAND]


def path_of(route: Route, ids: Ids) -> str:
    path = route.url
    for parameter, id in zip(route.parameters, ids, strict=True):
        path = path.replace(f"{{{parameter}}}", str(id))
    return path + QUERIES.get(route.name, "")


def send(person: Person, route: Route, ids: Ids, body: Any = None, **options: Any) -> Any:
    headers = options.pop("headers", {})
    if route.lines and isinstance(body, bytes):
        headers = NDJSON | headers
    return person.request(
        route.method, path_of(route, ids), headers=headers, **sending(body), **options
    )


def sending(body: Any) -> dict[str, Any]:
    """The body as httpx takes it: JSON, the file, a form with it, or raw bytes."""
    if isinstance(body, Upload):
        return {"files": FILE, "data": body.fields}
    if body is None or body is FILE:
        return {"files": FILE} if body is FILE else {}
    return {"content" if isinstance(body, bytes) else "json": body}


def sample(cast: Cast, route: Route) -> tuple[Ids, Any]:
    ids, body = SAMPLES[route.name]
    return ids(cast), body(cast) if callable(body) else body


def rows_of(cast: Cast) -> Any:
    """A digest of every row of the tenant outside sessions and the journal."""
    tables = ["organizations", "contacts", "members", "projects", "tasks", "documents", "document_versions",
              "document_projects", "activities", "activity_contacts", "users", "links", "views"]  # fmt: skip
    text = " UNION ALL ".join(
        f"SELECT '{t}' AS name, count(*), sum(version), max(id) FROM {t} WHERE tenant_id = $1"
        for t in tables
    )
    return [tuple(row) for row in cast.sql.rows(text, cast.tenant)]


def bulk(person: Person, *lines: bytes, **headers: str) -> httpx.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return person.request("POST", "/api/bulk", content=b"".join(lines), headers=NDJSON | names)
