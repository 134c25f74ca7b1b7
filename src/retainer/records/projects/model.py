"""Projects, and the bodies that write them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from retainer.http.fields import (
    Audience,
    CreatedAt,
    Date,
    Description,
    ExternalId,
    MeantFor,
    Name,
    OrganizationId,
    RecordId,
    UpdatedAt,
    creation_of,
    update_of,
)

STALLED_DAYS = 30  # without a change, after which an active project is marked


class ProjectStatus(StrEnum):
    PLANNED = "planned"
    ACTIVE = "active"
    ON_HOLD = "on_hold"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Project(Struct, rename="camel"):
    """A project as the API answers it."""

    id: RecordId
    organization_id: OrganizationId
    title: Annotated[Name, Meta(description="Project title", examples=["Warehouse redesign"])]
    description: Description | None
    status: Annotated[ProjectStatus, Meta(description="Project status", examples=["active"])]
    start_date: Annotated[Date | None, Meta(description="First day", examples=["2026-02-02"])]
    due_date: Annotated[
        Date | None, Meta(description="Last day, not before startDate", examples=["2026-06-30"])
    ]
    audience: MeantFor
    created_at: CreatedAt
    updated_at: UpdatedAt
    external_id: Annotated[
        ExternalId | None,
        Meta(
            description="What another system calls it; no two projects share one",
            examples=["P-2026-14"],
        ),
    ]


@creation_of(Project, status=ProjectStatus.PLANNED, audience=Audience.INTERNAL)
class ProjectCreate(Struct):
    """The body of POST /projects."""


@update_of(Project, without=("organization_id",))
class ProjectUpdate(Struct):
    """The body of PUT /projects/{id}: what is absent stays as it is."""

    EXAMPLE: ClassVar = {"status": "completed"}


@update_of(Project)
class ProjectUpsert(Struct):
    """The body of PUT /projects/by/externalId/{value}: a new one needs organizationId, which the
    project that is there keeps.
    """

    EXAMPLE: ClassVar = {"organizationId": 1, "title": "Warehouse redesign", "status": "active"}


OPEN = (ProjectStatus.PLANNED, ProjectStatus.ACTIVE, ProjectStatus.ON_HOLD)


def stalled(projects: Sequence[Project]) -> dict[int, int]:
    """The days without a change of each active project that stands still, by its id."""
    now = datetime.now(UTC)
    active = [one for one in projects if one.status == ProjectStatus.ACTIVE]
    days = {one.id: (now - datetime.fromisoformat(one.updated_at)).days for one in active}
    return {id: count for id, count in days.items() if count >= STALLED_DAYS}
