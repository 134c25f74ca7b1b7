"""What an entry of the trash tells."""

from enum import StrEnum

from msgspec import Struct

from retainer.http.fields import Id, Timestamp
from retainer.journal.model import Actor


class TrashKind(StrEnum):
    """What can be in it."""

    ORGANIZATION = "organization"
    CONTACT = "contact"
    PROJECT = "project"
    TASK = "task"
    DOCUMENT = "document"
    ACTIVITY = "activity"
    MEMBER = "member"


class TrashEntry(Struct, rename="camel"):
    """A deleted record; a member is told by the contact's id. `also_deleted` counts the records
    that went with it.
    """

    kind: TrashKind
    id: Id
    title: str
    organization_id: Id | None
    deleted_at: Timestamp
    deleted_by: Actor | None
    operation_id: Id
    also_deleted: int
