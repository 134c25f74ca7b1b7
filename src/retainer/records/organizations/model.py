"""What an organization is: the contract's fields, in its words, and those that came after them."""

import re
import unicodedata
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from retainer.errors import FieldError, Invalid
from retainer.http.fields import HOST, Address, Id, Line, Metadata, Name, Text, Timestamp

Domains = Annotated[
    list[Annotated[str, Meta(min_length=3, max_length=253, pattern=HOST)]], Meta(max_length=50)
]
Tags = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=50, pattern=r"\S")]], Meta(max_length=50)
]

NO_DOMAIN = "must be a host name such as acme.example.com, no address and no number"

# What migrations/0007 checks again.
_DOMAIN = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)


class OrganizationType(StrEnum):
    CUSTOMER = "customer"
    PROSPECT = "prospect"
    PARTNER = "partner"
    VENDOR = "vendor"
    INTERNAL = "internal"
    OTHER = "other"


class OrganizationStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    ARCHIVED = "archived"


class Organization(Struct, rename="camel"):
    """An organization as the API answers it."""

    id: Id
    name: Name
    type: OrganizationType
    status: OrganizationStatus
    industry: Line | None
    website: Address | None
    description: Text | None
    metadata: Metadata | None
    created_at: Timestamp
    updated_at: Timestamp
    external_id: Name | None
    domains: Domains
    parent_id: Id | None
    owner_id: Id | None
    tags: Tags
    suggested_domain: str | None


class OrganizationCreate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of POST /organizations."""

    name: Name
    type: OrganizationType
    status: OrganizationStatus = OrganizationStatus.ACTIVE
    industry: Line | None = None
    website: Address | None = None
    description: Text | None = None
    metadata: Metadata | None = None
    external_id: Name | None = None
    domains: Domains = []
    parent_id: Id | None = None
    owner_id: Id | None = None
    tags: Tags = []

    def __post_init__(self) -> None:
        self.domains = kept(self.domains)


class OrganizationUpdate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of PUT /organizations/{id}: what is absent stays as it is."""

    name: Name | UnsetType = UNSET
    type: OrganizationType | UnsetType = UNSET
    status: OrganizationStatus | UnsetType = UNSET
    industry: Line | None | UnsetType = UNSET
    website: Address | None | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    metadata: Metadata | None | UnsetType = UNSET
    external_id: Name | None | UnsetType = UNSET
    domains: Domains | UnsetType = UNSET
    parent_id: Id | None | UnsetType = UNSET
    owner_id: Id | None | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.domains is not UNSET:
            self.domains = kept(self.domains)


def kept(domains: list[str]) -> list[str]:
    """Host names as they are kept, each once. Raises Invalid, naming those that are none by their
    place.
    """
    found = [domain(given) for given in domains]
    wrong = [place for place, name in enumerate(found) if name is None]
    if wrong:
        raise Invalid(*(FieldError(f"domains[{place}]", NO_DOMAIN) for place in wrong))
    return list(dict.fromkeys(name for name in found if name))


def domain(name: str) -> str | None:
    """A host name as DNS carries it: small letters, international labels as xn--…; None when it is
    none.
    """
    labels = unicodedata.normalize("NFC", name.lower()).split(".")
    if not all(c == "-" or unicodedata.category(c)[0] in "LMN" for label in labels for c in label):
        return None
    found = ".".join(x if x.isascii() else f"xn--{x.encode('punycode').decode()}" for x in labels)
    return found if len(found) <= 253 and _DOMAIN.fullmatch(found) else None
