"""Organizations, and the bodies that write them."""

import re
import unicodedata
from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from retainer.errors import FieldError, Invalid
from retainer.http.fields import (
    NAME,
    READ_ONLY,
    CreatedAt,
    ExternalId,
    Id,
    Line,
    Metadata,
    Name,
    Text,
    UpdatedAt,
    Url,
    creation_of,
    update_of,
)

Domains = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=2000)]],
    Meta(
        max_length=50,
        description="Its host names, kept in small letters, international ones as xn--…, and "
        "without www.; one that belongs to an organization of another hierarchy is refused",
        examples=[["acme.example"]],
    ),
]

NO_DOMAIN = "must be a host name such as acme.example.com, or an address that begins with one"

# The database checks nearly the same again: organization_domains_domain_format.
_DOMAIN = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)


# An address of the web around a host, or its beginning or end; and the dot of a whole name.
_PASTED = re.compile(r"(?:https?://)?(?P<host>.*?)\.?(?::\d+)?(?:[/?#].*)?", re.DOTALL)


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

    id: Annotated[Id, READ_ONLY, Meta(description="Unique organization identifier", examples=[1])]
    name: Annotated[Name, Meta(description="Organization name", examples=["Acme Corporation"])]
    type: Annotated[OrganizationType, Meta(description="Organization type", examples=["customer"])]
    status: Annotated[
        OrganizationStatus, Meta(description="Organization status", examples=["active"])
    ]
    industry: Annotated[Line | None, Meta(description="Industry category", examples=["Technology"])]
    website: Annotated[
        Url | None,
        Meta(
            description="Organization website URL; any text is kept",
            examples=["https://acme.example.com"],
        ),
    ]
    description: Annotated[
        Text | None,
        Meta(
            description="Organization description",
            examples=["Machine tools, three plants; with us since 2019."],
        ),
    ]
    metadata: Metadata | None
    created_at: CreatedAt
    updated_at: UpdatedAt
    external_id: Annotated[
        ExternalId | None,
        Meta(
            description="What another system calls it; no two organizations share one",
            examples=["CRM-1042"],
        ),
    ]
    domains: Domains
    parent_id: Annotated[
        Id | None,
        Meta(
            description="Organization it is a part of; null for none, and when that one is deleted",
            examples=[7],
        ),
    ]
    owner_id: Annotated[Id | None, Meta(description="User who looks after it", examples=[2])]
    tags: Annotated[
        list[Annotated[str, NAME, Meta(min_length=1, max_length=50, pattern=r"\S")]],
        Meta(
            max_length=50,
            description="Words to find it by, in their order; each once, whatever case and accents",
            examples=[["Key account"]],
        ),
    ]
    suggested_domain: Annotated[
        str | None,
        READ_ONLY,
        Meta(
            description="The website's host, without www., while it is none of the domains: put it "
            "there if it is right",
            examples=["acme.example.com"],
        ),
    ]


@creation_of(Organization, status=OrganizationStatus.ACTIVE)
class OrganizationCreate(Struct):
    """The body of POST /organizations."""

    name: Annotated[Name, Meta(description="Organization name", examples=["New Client Inc."])]
    domains: Domains

    EXAMPLE: ClassVar = {
        "name": "New Client Inc.",
        "type": "customer",
        "status": "active",
        "industry": "Technology",
    }

    def __post_init__(self) -> None:
        self.domains = normalized_domains(self.domains)


@update_of(Organization)
class OrganizationUpdate(Struct):
    """The body of PUT /organizations/{id}: what is absent stays as it is."""

    domains: Domains

    EXAMPLE: ClassVar = {"status": "inactive", "industry": "Logistics"}

    def __post_init__(self) -> None:
        if self.domains:
            self.domains = normalized_domains(self.domains)


def normalized_domains(domains: list[str]) -> list[str]:
    """Host names in their normal form, each once. Raises Invalid with the indexes of values that
    are no host names.
    """
    found = [normalized_domain(given) for given in domains]
    wrong = [index for index, name in enumerate(found) if name is None]
    if wrong:
        raise Invalid(*(FieldError(f"domains[{index}]", NO_DOMAIN) for index in wrong))
    return list(dict.fromkeys(name for name in found if name))


def normalized_domain(typed: str) -> str | None:
    """The host name in a text as people paste it, such as "https://www.Acme.example/": in the form
    of DNS, lower case, international labels as xn--…, without "www."; None where there is none.
    """
    match = _PASTED.fullmatch(typed.strip().lower())
    assert match is not None  # it takes any text
    labels = unicodedata.normalize("NFC", match["host"]).split(".")
    if labels[0] == "www" and len(labels) > 2:
        del labels[0]
    if not all(c == "-" or unicodedata.category(c)[0] in "LMN" for label in labels for c in label):
        return None
    found = ".".join(map(_ascii_label, labels))
    if len(found) > 253 or not _DOMAIN.fullmatch(found):
        return None
    return found


def _ascii_label(label: str) -> str:
    if label.isascii():
        return label
    return f"xn--{label.encode('punycode').decode()}"
