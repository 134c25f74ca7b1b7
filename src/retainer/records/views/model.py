"""Views, and the bodies that write them."""

import re
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from retainer.http.fields import (
    READ_ONLY,
    CreatedAt,
    Id,
    Name,
    RecordId,
    UpdatedAt,
    creation_of,
    update_of,
)

_ENCODED = r"^[!\x22$-~]*$"  # ASCII without spaces and #, which ends the query of an address
PAGE_PARAMETERS = ("limit", "cursor")


class View(Struct, rename="camel"):
    """A view as the API answers it."""

    id: RecordId
    noun: Annotated[
        str, Meta(description="The list that it is of, for good", examples=["organizations"])
    ]
    name: Annotated[
        Name,
        Meta(
            description="Name; no two views of a list that one person keeps share one, whatever "
            "case and accents",
            examples=["Key accounts"],
        ),
    ]
    query: Annotated[
        str,
        Meta(
            max_length=2000,
            extra_json_schema={"pattern": _ENCODED},
            description="Parameters of the list as they stand behind the ? of its address, but "
            "limit and cursor",
            examples=["status=active&tags=vip&sort=-updatedAt"],
        ),
    ]
    is_shared: Annotated[
        bool,
        Meta(
            description="True lets everybody but guests see it, and administrators change it; "
            "guests cannot share",
            examples=[False],
        ),
    ]
    owner_id: Annotated[Id, READ_ONLY, Meta(description="User who made it", examples=[2])]
    created_at: CreatedAt
    updated_at: UpdatedAt


@creation_of(View, query="", is_shared=False)
class ViewCreate(Struct):
    """The body of POST /views."""


@update_of(View, without=("noun",))
class ViewUpdate(Struct):
    """The body of PUT /views/{id}: what is absent stays as it is. A view stays with its list."""

    EXAMPLE: ClassVar = {"name": "Key accounts, newest first", "isShared": True}


def query_fault(query: str) -> str | None:
    """The reason why this cannot be the query of a URL, as the end of a sentence; else None."""
    if query.startswith("?"):
        return "must begin with its first parameter, without the ? before it"
    if not re.fullmatch(_ENCODED, query, re.ASCII):
        return "must be percent-encoded as in an address: no spaces, no #, only ASCII"
    return None
