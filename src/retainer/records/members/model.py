"""What a member is."""

from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType

from retainer.http.fields import Id


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

    organization_id: Id
    contact_id: Id
    role: MemberRole


class MemberCreate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of POST /organizations/{organizationId}/members."""

    contact_id: Id
    role: MemberRole


class MemberUpdate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of PATCH /organizations/{organizationId}/members/{contactId}."""

    role: MemberRole | UnsetType = UNSET
