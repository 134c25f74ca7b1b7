"""Members, and the bodies that write them."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from retainer.http.fields import Id, OrganizationId, creation_of, update_of


class MemberRole(StrEnum):
    PRIMARY_CONTACT = "primary_contact"
    EXECUTIVE_SPONSOR = "executive_sponsor"
    PROJECT_MANAGER = "project_manager"
    TECHNICAL_LEAD = "technical_lead"
    SUBJECT_MATTER_EXPERT = "subject_matter_expert"
    BILLING_CONTACT = "billing_contact"
    STAKEHOLDER = "stakeholder"
    MEMBER = "member"


class Member(Struct, rename="camel"):
    """A membership as the API answers it."""

    organization_id: OrganizationId
    contact_id: Annotated[Id, Meta(description="Contact ID", examples=[3])]
    role: Annotated[
        MemberRole,
        Meta(description="What the contact is to us there", examples=["primary_contact"]),
    ]


@creation_of(Member, without=("organization_id",))
class MemberCreate(Struct):
    """The body of POST /organizations/{organizationId}/members."""


@update_of(Member, only=("role",))
class MemberUpdate(Struct):
    """The body of PATCH /organizations/{organizationId}/members/{contactId}."""
