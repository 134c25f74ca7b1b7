"""Engagements, and the bodies that write them."""

from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from retainer.http.fields import (
    Audience,
    CreatedAt,
    Date,
    MeantFor,
    Name,
    OrganizationId,
    RecordId,
    UpdatedAt,
    creation_of,
    update_of,
)

Fee = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class EngagementStatus(StrEnum):
    PROPOSED = "proposed"
    ACTIVE = "active"
    ENDED = "ended"


class Engagement(Struct, rename="camel"):
    """An engagement as the API answers it."""

    id: RecordId
    organization_id: OrganizationId
    title: Annotated[Name, Meta(description="Engagement title", examples=["Interim finance lead"])]
    status: Annotated[EngagementStatus, Meta(description="Engagement status", examples=["active"])]
    fee: Annotated[Fee | None, Meta(description="Fee in whole euros", examples=[48_000])]
    start_date: Annotated[Date | None, Meta(description="First day", examples=["2026-02-02"])]
    end_date: Annotated[
        Date | None, Meta(description="Last day, not before startDate", examples=["2026-06-30"])
    ]
    audience: MeantFor
    created_at: CreatedAt
    updated_at: UpdatedAt


@creation_of(Engagement, status=EngagementStatus.PROPOSED, audience=Audience.INTERNAL)
class EngagementCreate(Struct):
    """The body of POST /engagements."""


@update_of(Engagement, without=("organization_id",))
class EngagementUpdate(Struct):
    """The body of PUT /engagements/{id}: what is absent stays as it is."""

    EXAMPLE: ClassVar = {"status": "ended"}
