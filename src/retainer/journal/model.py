"""What a history tells, and which field of the API each column of the journal is."""

from enum import StrEnum
from typing import Any, NamedTuple

from msgspec import Struct

from retainer.contacts.model import Contact
from retainer.documents.model import Document
from retainer.fields import Id, Name, Timestamp
from retainer.members.model import Member
from retainer.organizations.model import Organization
from retainer.projects.model import Project
from retainer.tasks.model import Task
from retainer.users.model import User


class ChangeAction(StrEnum):
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    RESTORE = "restore"


class Actor(Struct, rename="camel"):
    """The user who acted."""

    id: Id
    username: str
    full_name: Name


class Operation(Struct, rename="camel"):
    """One request that changed something, or one command."""

    id: Id
    at: Timestamp
    action: str
    via: str
    request_id: str | None
    actor: Actor | None
    actor_kind: str
    undoes: Id | None


class FieldChange(Struct, rename="camel"):
    """One field of a change, as the API answered it before and answers it after."""

    field: str
    before: Any
    after: Any


class HistoryEntry(Struct, rename="camel"):
    """What one operation did to one record."""

    operation: Operation
    entity: str
    entity_id: Id
    version: int
    action: ChangeAction
    changes: list[FieldChange]


class Column(NamedTuple):
    """A column of a table, by the field of the API that it is."""

    entity: str
    column: str
    field: str


# The table of each noun whose answers have the columns as fields. What is no field of theirs is never shown: keys of
# the storage, digests, counts, and whatever will be added beside them.
_ANSWERS: dict[str, type[Struct]] = {
    "organizations": Organization,
    "members": Member,
    "contacts": Contact,
    "projects": Project,
    "tasks": Task,
    "documents": Document,
    "users": User,
}
# Where the column is called otherwise. A file's address is made of its id and does not change.
_CALLED = {("documents", "url"): "link", ("documents", "version"): "latest"}
# Told beside the fields: which record it is, and when it was; or the same of every record.
_TOLD = {"id", "tenant_id", "created_at", "updated_at"}

COLUMNS = [
    Column(entity, _CALLED.get((entity, column), column), field)
    for entity, answer in _ANSWERS.items()
    for column, field in zip(answer.__struct_fields__, answer.__struct_encode_fields__, strict=True)
    if column not in _TOLD
]
