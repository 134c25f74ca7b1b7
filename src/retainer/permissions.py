"""Rules in tables: the permissions of each role, and the records that each viewer sees.

`PERMISSIONS` is read by dispatch for every route, by the pages and by the tests. `VISIBLE` is the
only place that says who sees what: statements name a fragment of it (`@visible_organizations`), and
none repeats it. `PAST` says the same of records as they were, and `UNTOLD` of single fields.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, NamedTuple

import msgspec


class Role(StrEnum):
    """Role of a user in their tenant."""

    ADMIN = "admin"
    CONSULTANT = "consultant"
    STAFF = "staff"
    GUEST = "guest"


ADMINS = frozenset({Role.ADMIN})
CONSULTANTS = frozenset({Role.ADMIN, Role.CONSULTANT})
OUR_PEOPLE = frozenset({Role.ADMIN, Role.CONSULTANT, Role.STAFF})
EVERYONE = frozenset(Role)


class Rule(NamedTuple):
    """A permission: its sentence for people, and the roles that have it."""

    sentence: str
    roles: frozenset[Role]


PERMISSIONS: dict[str, Rule] = {
    "organizations.read": Rule("See the organizations they have access to", EVERYONE),
    "organizations.create": Rule("Add and duplicate organizations", CONSULTANTS),
    "organizations.update": Rule("Change organizations", CONSULTANTS),
    "organizations.delete": Rule("Delete organizations with all that belongs to them", CONSULTANTS),
    "members.read": Rule("See who belongs to an organization", EVERYONE),
    "members.write": Rule("Add and remove members and change their roles", CONSULTANTS),
    "contacts.read": Rule("See the contacts they have access to", EVERYONE),
    "contacts.write": Rule("Add, change and delete contacts", CONSULTANTS),
    "projects.read": Rule("See the projects they have access to", EVERYONE),
    "projects.write": Rule("Add, change and delete projects", CONSULTANTS),
    "tasks.read": Rule("See the tasks they have access to", EVERYONE),
    "tasks.write": Rule("Add and change tasks", OUR_PEOPLE),
    "tasks.delete": Rule("Delete tasks", CONSULTANTS),
    "documents.read": Rule("See and download the documents they have access to", EVERYONE),
    "documents.create": Rule("Add documents and new versions of them", OUR_PEOPLE),
    "documents.write": Rule("Change and delete documents", CONSULTANTS),
    "activities.read": Rule("See the activities they have access to", EVERYONE),
    "activities.write": Rule("Log and change activities", OUR_PEOPLE),
    "activities.delete": Rule("Delete activities", CONSULTANTS),
    "bulk.write": Rule(
        "Send many writes in one request, each as its own permission allows", OUR_PEOPLE
    ),
    "history.read": Rule("See who changed what and when, of what they have access to", OUR_PEOPLE),
    "operations.undo": Rule(
        "Undo what was done, each record as its own permission allows", OUR_PEOPLE
    ),
    "trash.read": Rule("See what was deleted and can be restored", CONSULTANTS),
    "imports.run": Rule("Import spreadsheets and take imports back", CONSULTANTS),
    "search.use": Rule("Search in what they have access to", EVERYONE),
    "views.read": Rule("See their own views, and but for guests the shared ones", EVERYONE),
    "views.write": Rule("Keep views of their own; administrators change shared ones too", EVERYONE),
    "views.share": Rule("Share their views with everybody but guests", OUR_PEOPLE),
    "live.follow": Rule("Learn at once what others change of what they have access to", EVERYONE),
    "users.names": Rule("See the names of the people of the consultancy", OUR_PEOPLE),
    "users.manage": Rule("Manage users: invite, change the role, disable, end sessions", ADMINS),
    "settings.read": Rule("See the consultancy's name, time zone and country", OUR_PEOPLE),
    "settings.manage": Rule("Change the consultancy's name, time zone and country", ADMINS),
    "account.own": Rule("Manage their own name, preferences, password and sessions", EVERYONE),
}

# Permission of a route that anybody may use, signed in or not. A route's line has to name it, so
# that nothing is public by omission.
PUBLIC = "public"

Scope = Literal["all", "own", "client"]
SCOPES: tuple[Scope, ...] = ("all", "own", "client")
SCOPE_OF: dict[Role, Scope] = {
    Role.ADMIN: "all",
    Role.CONSULTANT: "all",
    Role.STAFF: "own",
    Role.GUEST: "client",
}


class Viewer(msgspec.Struct, frozen=True):
    """The signed-in user, as permissions, statements and pages need them."""

    session: int
    tenant: int
    user: int
    role: Role
    contact: int | None
    username: str
    full_name: str
    time_zone: str
    country: str | None  # the tenant's
    theme: str
    density: str
    shortcuts: bool  # single keys are shortcuts
    scope: Scope
    # Values of :tenant, :user, :contact, :session and :viewer_role in statements.
    values: dict[str, object]

    def may(self, permission: str) -> bool:
        """True when the viewer's role has the permission. Statements decide which rows they see."""
        return self.role in PERMISSIONS[permission].roles

    def is_told(self, noun: str, field: str) -> bool:
        """True when the viewer is told a field of the records of a noun that they see."""
        return is_told(noun, field, self.scope)


def viewer(row: Mapping[str, Any]) -> Viewer:
    """The viewer of a row of session_of_token()."""
    role = Role(row["role"])
    values = {
        "tenant": row["tenant_id"],
        "user": row["user_id"],
        "contact": row["contact_id"],
        "session": row["session_id"],
        "viewer_role": role.value,
    }
    return Viewer(
        row["session_id"],
        row["tenant_id"],
        row["user_id"],
        role,
        row["contact_id"],
        row["username"],
        row["full_name"],
        row["time_zone"],
        row["country"],
        row["theme"],
        row["density"],
        row["shortcuts"],
        SCOPE_OF[role],
        values,
    )


# Admins and consultants see everything in their tenant. Staff and guests see the organizations of
# which their contact is a member, and the records that belong to these; guests only records whose
# audience is `client`. Private views are visible to their owner, shared ones to all but guests.
# Aliases are fixed: o organizations, c contacts, p projects, t tasks, d documents, a activities,
# v views, u users, tn tenants. Arrays rather than joins: each is read once, and an index serves
# them even inside an OR.
_MINE = """ANY(ARRAY(SELECT mine.organization_id FROM members mine
    WHERE mine.tenant_id = :tenant AND mine.contact_id = :contact AND mine.deleted_by IS NULL))"""
_MY_PROJECTS = f"""ANY(ARRAY(SELECT my.id FROM projects my
    WHERE my.tenant_id = :tenant AND my.organization_id = {_MINE} AND my.deleted_by IS NULL))"""
_CLIENT_PROJECTS = f"""ANY(ARRAY(SELECT my.id FROM projects my
    WHERE my.tenant_id = :tenant AND my.organization_id = {_MINE} AND my.deleted_by IS NULL
        AND my.audience = 'client'))"""
_IS_LINKED = """d.id = ANY(ARRAY(SELECT link.document_id FROM document_projects link
    WHERE link.tenant_id = :tenant AND link.deleted_by IS NULL AND link.project_id = {}))"""
_IS_FELLOW = f"""c.id = ANY(ARRAY(SELECT fellow.contact_id FROM members fellow
    WHERE fellow.tenant_id = :tenant AND fellow.deleted_by IS NULL
        AND fellow.organization_id = {_MINE}))"""
_IS_OWN_GUEST = _IS_FELLOW.replace("c.id", "u.contact_id")


def _contacts(is_fellow: str) -> dict[Scope, str]:
    rule = f"(c.id = :contact OR {is_fellow})"
    return {"all": "true", "own": rule, "client": rule}


def _documents(is_linked: str) -> dict[Scope, str]:
    """The rule of documents, by the condition that one is linked to some of the projects {}."""
    return {
        "all": "true",
        "own": f"""(d.organization_id = {_MINE} OR {is_linked.format(_MY_PROJECTS)}
            OR d.uploader_id = :user)""",
        "client": f"""(d.organization_id = {_MINE} OR {is_linked.format(_CLIENT_PROJECTS)}
            OR d.uploader_id = :user) AND d.audience = 'client'""",
    }


VISIBLE: dict[str, dict[Scope, str]] = {
    "organizations": {
        "all": "true",
        "own": f"o.id = {_MINE}",
        "client": f"o.id = {_MINE}",
    },
    "contacts": _contacts(_IS_FELLOW),
    "projects": {
        "all": "true",
        "own": f"p.organization_id = {_MINE}",
        "client": f"p.organization_id = {_MINE} AND p.audience = 'client'",
    },
    "tasks": {
        "all": "true",
        "own": f"""(t.organization_id = {_MINE} OR t.project_id = {_MY_PROJECTS}
            OR t.assignee_id = :user)""",
        "client": f"""(t.organization_id = {_MINE} OR t.project_id = {_CLIENT_PROJECTS}
            OR t.assignee_id = :user) AND t.audience = 'client'""",
    },
    "documents": _documents(_IS_LINKED),
    "views": {
        "all": "(v.owner_id = :user OR v.is_shared)",
        "own": "(v.owner_id = :user OR v.is_shared)",
        "client": "v.owner_id = :user",
    },
    "activities": {
        "all": "true",
        "own": f"a.organization_id = {_MINE}",
        "client": f"a.organization_id = {_MINE} AND a.audience = 'client'",
    },
    # The users that the viewer is told of without a record on which they appear, and may name in
    # one: a client's people are known where that client is.
    "users": {
        "all": "true",
        "own": f"(u.role <> 'guest' OR {_IS_OWN_GUEST})",
        "client": "u.id = :user",
    },
    # The viewer's own: no other is asked for.
    "tenants": {"all": "true", "own": "true", "client": "false"},
}
# Fields that a viewer who sees the record is not told: what we write about a client is not for the
# client. To them such a field is empty, in responses, pages, filters, sorts and search alike
# (lists/spec.py, search/store.py).
UNTOLD: dict[str, dict[Scope, frozenset[str]]] = {
    "organizations": {
        "client": frozenset(
            {"description", "metadata", "tags", "externalId", "ownerId", "parentId"}
        ),
    },
    "contacts": {"client": frozenset({"metadata", "externalId"})},
    "projects": {"client": frozenset({"externalId"})},
    "tasks": {"client": frozenset({"externalId"})},
    "activities": {"client": frozenset({"externalId"})},
}


def is_told(noun: str, field: str, scope: Scope) -> bool:
    """True when viewers of this scope are told a field of the records that they see."""
    return field not in UNTOLD.get(noun, {}).get(scope, ())


# Who would have seen a record as it was at a moment: its columns are the ones that it had then, and
# its links those that there were. The viewer's role and memberships, and the projects, are the ones
# of today.
_WAS_LINKED = """EXISTS (SELECT FROM document_projects link
    WHERE link.tenant_id = :tenant AND link.document_id = d.id AND link.project_id = {}
        AND was_live(:tenant, 'document_projects', link.id, moment.operation, moment.sequence))"""
_WAS_FELLOW = f"""EXISTS (SELECT FROM members fellow
    WHERE fellow.tenant_id = :tenant AND fellow.contact_id = c.id
        AND fellow.organization_id = {_MINE}
        AND was_live(:tenant, 'members', fellow.id, moment.operation, moment.sequence))"""
PAST: dict[str, dict[Scope, str]] = VISIBLE | {
    "contacts": _contacts(_WAS_FELLOW),
    "documents": _documents(_WAS_LINKED),
}


def would_have_seen(noun: str, alias: str, scope: Scope, moment: str) -> str:
    """The condition that the viewer would have seen a record of a noun at a moment.

    `moment` selects `record` (its id), `version` (the one that it had) and `operation` with
    `sequence` (the first change that had not been made). Nothing is read back where today's rule
    depends on nothing that changes.
    """
    rule = PAST[noun][scope]
    columns = dict.fromkeys(["id", *re.findall(rf"\b{alias}\.([a-z_]+)", rule)])
    if rule == "true" or (list(columns) == ["id"] and "moment." not in rule):
        return "true"
    present = ", ".join(f"'{column}', x.{column}" for column in columns)
    return f"""EXISTS (SELECT FROM ({moment}) moment
        JOIN {noun} x ON x.tenant_id = :tenant AND x.id = moment.record
        CROSS JOIN LATERAL jsonb_populate_record(NULL::{noun}, columns_then(
            :tenant, '{noun}', x.id, moment.version, jsonb_build_object({present}))) {alias}
        WHERE {rule})"""


# A version v of the document d. The time of a past one is the moment when the next one came.
_REPLACED = """SELECT n.entity_id AS record, n.version, n.operation_id AS operation,
    moment_end(:tenant, n.entity, n.entity_id, n.operation_id, n.sequence) AS sequence
    FROM changes n WHERE n.tenant_id = :tenant AND n.entity = 'documents' AND n.entity_id = d.id
        AND n.action = 'update' AND (n.after ->> 'latest')::int = v.number + 1"""
VISIBLE_VERSIONS: dict[Scope, str] = {
    scope: f"(v.number = d.latest OR {would_have_seen('documents', 'd', scope, _REPLACED)})"
    for scope in SCOPES
}
