"""The nouns that can be imported: the fields of their rows, the keys by which a row finds the
record that it changes, and the writes that a row becomes.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cached_property
from typing import NamedTuple

import msgspec
from msgspec import Struct, inspect

from retainer.database.database import Values
from retainer.database.statement import Statement
from retainer.errors import camel
from retainer.lists.noun import Noun
from retainer.lists.spec import row_json
from retainer.nouns import NOUNS
from retainer.records.activities.model import ActivityCreate, ActivityUpdate
from retainer.records.contacts.model import ContactCreate, ContactUpdate
from retainer.records.members.model import MemberCreate, MemberUpdate
from retainer.records.organizations.model import (
    OrganizationCreate,
    OrganizationUpdate,
    normalized_domain,
)
from retainer.records.projects.model import ProjectCreate, ProjectUpdate
from retainer.records.tasks.model import TaskCreate, TaskUpdate


class ImportField(NamedTuple):
    """A field that a column may fill. `type` is text, integer, number, boolean, date, moment, enum,
    array or object; `values` are those of an enum; `refers_to` is the noun whose id it holds.
    """

    name: str
    type: str
    values: tuple[str, ...] = ()
    is_required: bool = False
    is_nullable: bool = True
    refers_to: str = ""


class Target:
    """A noun that can be imported. `create_path` and `update_path` are paths of its API, with
    fields of the row in braces, which the body then lacks.
    """

    def __init__(
        self,
        noun: str,
        create: type[Struct],
        update: type[Struct],
        *,
        create_path: str = "",
        update_path: str = "",
        keys: Mapping[str, str],
        title: str = "",
        defaults: Mapping[str, str] | None = None,
    ) -> None:
        self.noun: Noun = NOUNS[noun]
        self.create, self.update = create, update
        self.create_path = create_path or f"/{noun}"
        self.update_path = update_path or f"/{noun}/{{id}}"
        self.keys = {name: self._find(condition) for name, condition in keys.items()}
        self.title = title
        self.defaults = dict(defaults or {})

    def _find(self, condition: str) -> Statement:
        """The statement that selects the keys of :values and the ids of the records they find."""
        spec = self.noun.list
        where = spec.where.replace(":parent", "NULL")
        return Statement(
            f"""SELECT v.value AS key, {spec.id} AS id
                FROM unnest(:values::text[]) v(value), {spec.table}
                WHERE {where} AND {condition}""",
            visible=spec.visible,
        )

    @cached_property
    def fields(self) -> dict[str, ImportField]:
        """The fields that a column may fill, by name."""
        found = {"id": ImportField("id", "integer")} if self.title else {}
        for name in _in_path(self.create_path):
            found[name] = ImportField(name, "integer", (), True, False, "organizations")
        refers = {camel(column): noun for column, noun in self.noun.references.items()}
        for field in inspect.type_info(self.create).fields:  # type: ignore[attr-defined]
            name = field.encode_name
            kind, values, is_nullable = _kind(field.type)
            found[name] = ImportField(
                name, kind, values, field.required, is_nullable, refers.get(name, "")
            )
        return found

    @cached_property
    def updatable(self) -> frozenset[str]:
        """The fields that a row may change of a record."""
        return frozenset(self.update.__struct_encode_fields__)

    @cached_property
    def read(self) -> Statement:
        """The records of :ids with the fields that a row may change, as JSON."""
        spec = self.noun.list
        shown = {name: spec.fields[name] for name in spec.fields if name in self.updatable}
        return Statement(
            f"""SELECT {spec.id} AS id, {row_json(shown)} AS json FROM {spec.table}
                WHERE {spec.where} AND {spec.id} = ANY(:ids::bigint[])""",
            visible=spec.visible,
        )

    @cached_property
    def namesakes(self) -> Statement | None:
        """The records that have a name of :values, as people compare names."""
        if self.title not in ("name", "fullName"):
            return None
        spec = self.noun.list
        field = spec.fields[self.title]
        return Statement(
            f"""SELECT v.value AS key, {spec.id} AS id, {field.sql} AS name
                FROM unnest(:values::text[]) v(value), {spec.table}
                WHERE {spec.where} AND {field.column} = fold(v.value) ORDER BY {spec.id}""",
            visible=spec.visible,
        )

    def write(self, body: Values, target_id: int | None) -> bytes:
        """The line of a bulk write that the row becomes: of a new record, or of a change."""
        path, method = self.create_path, "POST"
        if target_id is not None:
            path, method = self.update_path, "PUT"
        inside = _in_path(path)
        filled = path.format(id=target_id, **{name: body.get(name, 0) for name in inside})
        sent = {name: value for name, value in body.items() if name not in inside}
        return msgspec.json.encode({"method": method, "path": filled, "body": sent})


def _in_path(path: str) -> tuple[str, ...]:
    return tuple(part[1:-1] for part in path.split("/") if part.startswith("{") and part != "{id}")


def _kind(value_type: inspect.Type) -> tuple[str, tuple[str, ...], bool]:
    """The type of a field, its values where it is an enum, and whether it may be null."""
    match value_type:
        case inspect.Metadata(type=inner):
            return _kind(inner)
        case inspect.UnionType(types=types):
            parts = [_kind(part) for part in types if not _is_nothing(part)]
            is_nullable = any(isinstance(part, inspect.NoneType) for part in types)
            return (*parts[0][:2], is_nullable)
        case inspect.EnumType(cls=cls):
            return "enum", tuple(member.value for member in _members(cls)), False
    return _KINDS.get(type(value_type), "text"), (), False


def _members(cls: type[Enum]) -> Iterable[Enum]:
    return cls


def _is_nothing(value_type: inspect.Type) -> bool:
    return isinstance(value_type, inspect.NoneType | inspect.CustomType) or (
        type(value_type).__name__ == "UnsetType"
    )


_KINDS: dict[type, str] = {
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.DecimalType: "number",
    inspect.BoolType: "boolean",
    inspect.DateType: "date",
    inspect.DateTimeType: "moment",
    inspect.ListType: "array",
    inspect.DictType: "object",
}

# A text that is no id finds nothing.
_BY_ID = "{}.id = CASE WHEN v.value ~ '^[0-9]{{1,15}}$' THEN v.value::bigint END"
_BY_EXTERNAL_ID = "{}.external_id = v.value"

TARGETS = {
    "organizations": Target(
        "organizations",
        OrganizationCreate,
        OrganizationUpdate,
        title="name",
        defaults={"type": "prospect"},
        keys={
            "id": _BY_ID.format("o"),
            "externalId": _BY_EXTERNAL_ID.format("o"),
            "domain": """o.id = ANY(ARRAY(SELECT d.organization_id FROM organization_domains d
                WHERE d.tenant_id = :tenant AND d.domain = v.value))""",
        },
    ),
    "contacts": Target(
        "contacts",
        ContactCreate,
        ContactUpdate,
        title="fullName",
        defaults={"type": "client"},
        keys={
            "id": _BY_ID.format("c"),
            "externalId": _BY_EXTERNAL_ID.format("c"),
            "email": "c.email_folded = fold(v.value)",
        },
    ),
    "projects": Target(
        "projects",
        ProjectCreate,
        ProjectUpdate,
        title="title",
        keys={"id": _BY_ID.format("p"), "externalId": _BY_EXTERNAL_ID.format("p")},
    ),
    "tasks": Target(
        "tasks",
        TaskCreate,
        TaskUpdate,
        title="title",
        keys={"id": _BY_ID.format("t"), "externalId": _BY_EXTERNAL_ID.format("t")},
    ),
    "activities": Target(
        "activities",
        ActivityCreate,
        ActivityUpdate,
        title="title",
        create_path="/organizations/{organizationId}/activities",
        keys={"id": _BY_ID.format("a"), "externalId": _BY_EXTERNAL_ID.format("a")},
    ),
    "members": Target(
        "members",
        MemberCreate,
        MemberUpdate,
        create_path="/organizations/{organizationId}/members",
        update_path="/organizations/{organizationId}/members/{contactId}",
        keys={},
    ),
}


def key_of(name: str, body: Values) -> list[str]:
    """The values of a key in a row, as the database compares them."""
    if name == "domain":
        return [found for each in body.get("domains") or [] if (found := normalized_domain(each))]
    value = body.get(name)
    return [] if value in (None, "") else [str(value)]
