"""What an organization is: the contract's fields, in its words."""

from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType

from retainer.fields import Address, Id, Line, Metadata, Name, Text, Timestamp


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


class OrganizationCreate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of POST /organizations."""

    name: Name
    type: OrganizationType
    status: OrganizationStatus = OrganizationStatus.ACTIVE
    industry: Line | None = None
    website: Address | None = None
    description: Text | None = None
    metadata: Metadata | None = None


class OrganizationUpdate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of PUT /organizations/{id}: what is absent stays as it is."""

    name: Name | UnsetType = UNSET
    type: OrganizationType | UnsetType = UNSET
    status: OrganizationStatus | UnsetType = UNSET
    industry: Line | None | UnsetType = UNSET
    website: Address | None | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    metadata: Metadata | None | UnsetType = UNSET
