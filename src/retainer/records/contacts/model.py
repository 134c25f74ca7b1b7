"""What a contact is."""

from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from retainer.http.fields import Email, Id, Line, Metadata, Name, Timestamp

Phone = Annotated[str, Meta(max_length=64)]


class ContactType(StrEnum):
    INTERNAL = "internal"
    EXTERNAL = "external"
    VENDOR = "vendor"
    CLIENT = "client"


class Contact(Struct, rename="camel"):
    """A contact as the API answers it."""

    id: Id
    full_name: Name
    mention_name: Line | None
    email: Email
    phone: Phone | None
    company: Line | None
    title: Line | None
    department: Line | None
    type: ContactType
    is_active: bool
    metadata: Metadata | None
    created_at: Timestamp
    updated_at: Timestamp


class ContactCreate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of POST /contacts."""

    full_name: Name
    email: Email
    type: ContactType
    mention_name: Line | None = None
    phone: Phone | None = None
    company: Line | None = None
    title: Line | None = None
    department: Line | None = None
    is_active: bool = True
    metadata: Metadata | None = None


class ContactUpdate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of PUT /contacts/{id}: what is absent stays as it is."""

    full_name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    type: ContactType | UnsetType = UNSET
    mention_name: Line | None | UnsetType = UNSET
    phone: Phone | None | UnsetType = UNSET
    company: Line | None | UnsetType = UNSET
    title: Line | None | UnsetType = UNSET
    department: Line | None | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    metadata: Metadata | None | UnsetType = UNSET
