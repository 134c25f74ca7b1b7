"""What a project is."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from retainer.http.fields import Audience, Date, Id, Name, Text, Timestamp

STALLED_DAYS = 30  # without a change, after which an active project is marked


class ProjectStatus(StrEnum):
    PLANNED = "planned"
    ACTIVE = "active"
    ON_HOLD = "on_hold"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Project(Struct, rename="camel"):
    """A project as the API answers it."""

    id: Id
    organization_id: Id
    title: Name
    description: Text | None
    status: ProjectStatus
    start_date: Date | None
    due_date: Date | None
    audience: Audience
    created_at: Timestamp
    updated_at: Timestamp


class ProjectCreate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of POST /projects."""

    organization_id: Id
    title: Name
    description: Text | None = None
    status: ProjectStatus = ProjectStatus.PLANNED
    start_date: Date | None = None
    due_date: Date | None = None
    audience: Audience = Audience.INTERNAL


class ProjectUpdate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of PUT /projects/{id}: what is absent stays as it is."""

    title: Name | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    status: ProjectStatus | UnsetType = UNSET
    start_date: Date | None | UnsetType = UNSET
    due_date: Date | None | UnsetType = UNSET
    audience: Audience | UnsetType = UNSET


OPEN = (ProjectStatus.PLANNED, ProjectStatus.ACTIVE, ProjectStatus.ON_HOLD)


def stalled(rows: list[dict[str, Any]]) -> dict[int, int]:
    """The days without a change of each active project that stands still, by its id."""
    now = datetime.now(UTC)
    active = [row for row in rows if row["status"] == ProjectStatus.ACTIVE]
    days = {row["id"]: (now - datetime.fromisoformat(row["updatedAt"])).days for row in active}
    return {id: count for id, count in days.items() if count >= STALLED_DAYS}
