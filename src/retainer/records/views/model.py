"""What a view is."""

import re
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from retainer.http.fields import Id, Name, Timestamp

_ENCODED = r"^[!\"$-~]*$"  # ASCII without spaces and #, which ends the query of an address
ViewQuery = Annotated[str, Meta(max_length=2000, extra_json_schema={"pattern": _ENCODED})]
OF_A_PAGE = ("limit", "cursor")


class ViewNoun(StrEnum):
    """The lists that have views, by their paths."""

    ORGANIZATIONS = "organizations"
    CONTACTS = "contacts"
    PROJECTS = "projects"
    TASKS = "tasks"
    DOCUMENTS = "documents"
    ACTIVITIES = "activities"


class View(Struct, rename="camel"):
    """A view as the API answers it."""

    id: Id
    noun: ViewNoun
    name: Name
    query: ViewQuery
    is_shared: bool
    owner_id: Id
    created_at: Timestamp
    updated_at: Timestamp


class ViewCreate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of POST /views."""

    noun: ViewNoun
    name: Name
    query: ViewQuery = ""
    is_shared: bool = False


class ViewUpdate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of PUT /views/{id}: what is absent stays as it is. A view stays with its list."""

    name: Name | UnsetType = UNSET
    query: ViewQuery | UnsetType = UNSET
    is_shared: bool | UnsetType = UNSET


def unwritten(query: str) -> str | None:
    """Why this cannot stand behind the ? of an address; None when it can."""
    if query.startswith("?"):
        return "must begin with its first parameter, without the ? before it"
    if not re.fullmatch(_ENCODED, query, re.ASCII):
        return "must be percent-encoded as in an address: no spaces, no #, only ASCII"
    return None
