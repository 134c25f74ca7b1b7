"""What a task is."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import UNSET, Meta, Struct, UnsetType

from retainer.http.fields import Audience, Date, Id, Name, Text, Timestamp

Order = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class TaskStatus(StrEnum):
    TODO = "todo"
    IN_PROGRESS = "in_progress"
    BLOCKED = "blocked"
    REVIEW = "review"
    COMPLETED = "completed"


class TaskPriority(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Task(Struct, rename="camel"):
    """A task as the API answers it."""

    id: Id
    title: Name
    description: Text | None
    organization_id: Id | None
    project_id: Id | None
    assignee_id: Id | None
    status: TaskStatus
    priority: TaskPriority
    due_date: Date | None
    order: Order
    audience: Audience
    created_at: Timestamp
    updated_at: Timestamp


class Assignee(Struct, rename="camel"):
    """The user a task is assigned to, as lists show them."""

    id: Id
    username: str
    full_name: Name


class TaskProject(Struct, rename="camel"):
    """The project of a task, as lists show it."""

    id: Id
    title: Name


class ListedTask(Task, rename="camel"):
    """A task in a list: with its assignee and its project, where there are such that the viewer
    sees.
    """

    assignee: Assignee | None
    project: TaskProject | None


class TaskCreate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of POST /tasks."""

    title: Name
    description: Text | None = None
    organization_id: Id | None = None
    project_id: Id | None = None
    assignee_id: Id | None = None
    status: TaskStatus = TaskStatus.TODO
    priority: TaskPriority = TaskPriority.MEDIUM
    due_date: Date | None = None
    order: Order = 0
    audience: Audience = Audience.INTERNAL


class TaskUpdate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of PUT /tasks/{id}: what is absent stays as it is."""

    title: Name | UnsetType = UNSET
    description: Text | None | UnsetType = UNSET
    organization_id: Id | None | UnsetType = UNSET
    project_id: Id | None | UnsetType = UNSET
    assignee_id: Id | None | UnsetType = UNSET
    status: TaskStatus | UnsetType = UNSET
    priority: TaskPriority | UnsetType = UNSET
    due_date: Date | None | UnsetType = UNSET
    order: Order | UnsetType = UNSET
    audience: Audience | UnsetType = UNSET


def today(zone: str) -> date:
    """Which day it is in a time zone."""
    return datetime.now(UTC).astimezone(ZoneInfo(zone)).date()


def due_days(zone: str) -> list[tuple[str, str]]:
    """The days that a task is put off to at one press, as dates and words."""
    now = today(zone)
    monday = now + timedelta(days=7 - now.weekday())
    return [
        (now.isoformat(), "Today"),
        ((now + timedelta(days=1)).isoformat(), "Tomorrow"),
        (monday.isoformat(), "Next Monday"),
        ("", "No date"),
    ]
