"""What a project is."""

from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType

from retainer.fields import Audience, Date, Id, Name, Text, Timestamp


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
