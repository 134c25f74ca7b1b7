"""The entries of the trash."""

from typing import Annotated

from msgspec import Meta, Struct

from retainer.http.fields import Id, Timestamp
from retainer.journal.model import Actor


class TrashEntry(Struct, rename="camel"):
    """A deleted record; a member is told by the contact's id. `also_deleted` counts the records
    that went with it.
    """

    kind: Annotated[str, Meta(description="What was deleted", examples=["organization"])]
    id: Annotated[Id, Meta(description="Its id; of a member the contact's", examples=[1])]
    title: Annotated[
        str,
        Meta(
            description="Its name or title; of a member the contact's name",
            examples=["Acme Corporation"],
        ),
    ]
    organization_id: Annotated[
        Id | None,
        Meta(
            description="The organization it is, or belonged to; null where there is none",
            examples=[1],
        ),
    ]
    deleted_at: Annotated[
        Timestamp,
        Meta(description="When it was deleted", examples=["2026-02-03T16:05:12.480Z"]),
    ]
    deleted_by: Annotated[
        Actor | None,
        Meta(description="The user who deleted it; null for the command line and the system"),
    ]
    operation_id: Annotated[
        Id,
        Meta(
            description="The operation that deleted it: undo that one to restore it", examples=[41]
        ),
    ]
    sequence: Annotated[
        int,
        Meta(
            description="The change of that operation that deleted it: undo that one alone to "
            "restore it with what went along with it, and nothing else",
            examples=[1],
        ),
    ]
    also_deleted: Annotated[
        int,
        Meta(
            description="How many records went with it, and would come back with it", examples=[12]
        ),
    ]
