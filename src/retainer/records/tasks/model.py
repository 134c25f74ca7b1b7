"""Tasks, and the bodies that write them."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from retainer.http.fields import (
    Audience,
    CreatedAt,
    Date,
    Description,
    ExternalId,
    Id,
    MeantFor,
    Name,
    OrganizationId,
    Person,
    RecordId,
    UpdatedAt,
    creation_of,
    update_of,
)


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

    id: RecordId
    title: Annotated[Name, Meta(description="Task title", examples=["Send the kick-off agenda"])]
    description: Description | None
    organization_id: OrganizationId | None
    project_id: Annotated[
        Id | None,
        Meta(
            description="Project ID; the project of the same organization where both are given",
            examples=[1],
        ),
    ]
    assignee_id: Annotated[Id | None, Meta(description="User it is assigned to", examples=[2])]
    status: Annotated[TaskStatus, Meta(description="Task status", examples=["todo"])]
    priority: Annotated[TaskPriority, Meta(description="Task priority", examples=["medium"])]
    due_date: Annotated[Date | None, Meta(description="Day it is due", examples=["2026-02-09"])]
    order: Annotated[
        int,
        Meta(ge=0, le=2**31 - 1, description="Place in lists, the lowest first", examples=[0]),
    ]
    audience: MeantFor
    created_at: CreatedAt
    updated_at: UpdatedAt
    external_id: Annotated[
        ExternalId | None,
        Meta(
            description="What another system calls it; no two tasks share one",
            examples=["jira:WEB-77"],
        ),
    ]


class Assignee(Person):
    """The user a task is assigned to, as lists show them."""


class TaskProject(Struct, rename="camel"):
    """The project of a task, as lists show it."""

    id: RecordId
    title: Annotated[Name, Meta(description="Project title", examples=["Warehouse redesign"])]


class ListedTask(Task, rename="camel"):
    """A task in a list: with its assignee and its project, where there are such that the viewer
    sees.
    """

    assignee: Annotated[
        Assignee | None, Meta(description="The user it is assigned to; null where there is none")
    ]
    project: Annotated[
        TaskProject | None,
        Meta(description="Its project; null where there is none, or none that you may see"),
    ]


@creation_of(
    Task,
    status=TaskStatus.TODO,
    priority=TaskPriority.MEDIUM,
    order=0,
    audience=Audience.INTERNAL,
)
class TaskCreate(Struct):
    """The body of POST /tasks."""

    EXAMPLE: ClassVar = {
        "title": "Send the kick-off agenda",
        "organizationId": 1,
        "dueDate": "2026-02-09",
    }


@update_of(Task)
class TaskUpdate(Struct):
    """The body of PUT /tasks/{id}: what is absent stays as it is."""

    EXAMPLE: ClassVar = {"status": "in_progress", "priority": "high"}


def today(zone: str) -> date:
    """The day that it is in a time zone."""
    return datetime.now(UTC).astimezone(ZoneInfo(zone)).date()


def due_days(zone: str) -> list[tuple[str, str]]:
    """The days that one press puts a task off to, as dates and words."""
    now = today(zone)
    monday = now + timedelta(days=7 - now.weekday())
    return [
        (now.isoformat(), "Today"),
        ((now + timedelta(days=1)).isoformat(), "Tomorrow"),
        (monday.isoformat(), "Next Monday"),
        ("", "No date"),
    ]
