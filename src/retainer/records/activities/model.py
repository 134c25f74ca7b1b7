"""Activities, and the bodies that write them."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from retainer.errors import invalid
from retainer.http.fields import (
    READ_ONLY,
    STORY,
    Audience,
    CreatedAt,
    ExternalId,
    FullName,
    Id,
    MeantFor,
    Moment,
    OrganizationId,
    Person,
    RecordId,
    Timestamp,
    UpdatedAt,
    creation_of,
    update_of,
)

_CONTACTS = Meta(
    description="Contacts it was with; once linked they stay, deleted or out of your sight, until "
    "another list is sent",
    examples=[[3]],
)
ContactIds = Annotated[list[Id], Meta(max_length=50), _CONTACTS]

EARLIEST_YEAR = 1900


class ActivityKind(StrEnum):
    CALL = "call"
    MEETING = "meeting"
    EMAIL = "email"
    NOTE = "note"


class Activity(Struct, rename="camel"):
    """An activity as the API answers it."""

    id: RecordId
    organization_id: OrganizationId
    kind: Annotated[ActivityKind, Meta(description="What it was", examples=["call"])]
    text: Annotated[
        str,
        STORY,
        Meta(
            min_length=1,
            max_length=20_000,
            pattern=r"\S",
            description="What was said, written or noted, as plain text",
            examples=["Jordan wants the offer by Friday."],
        ),
    ]
    happened_at: Annotated[
        Timestamp, Meta(description="When it was", examples=["2026-01-30T14:00:00.000Z"])
    ]
    author_id: Annotated[Id, READ_ONLY, Meta(description="User who logged it", examples=[2])]
    contact_ids: Annotated[list[Id], _CONTACTS]
    audience: MeantFor
    created_at: CreatedAt
    updated_at: UpdatedAt
    external_id: Annotated[
        ExternalId | None,
        Meta(
            description="What another system calls it; no two activities share one",
            examples=["hubspot:9001"],
        ),
    ]


class Author(Person):
    """The user who logged an activity, as lists show them."""


class ActivityContact(Struct, rename="camel"):
    """A contact of an activity, as lists show it."""

    id: RecordId
    full_name: FullName


class ListedActivity(Activity, rename="camel"):
    """An activity in a list: with its author, and those of its contacts that are there and that the
    viewer sees.
    """

    author: Annotated[Author, Meta(description="The user who logged it")]
    contacts: Annotated[
        list[ActivityContact],
        Meta(description="The contacts it was with, those that are there and that you may see"),
    ]


@creation_of(
    Activity,
    without=("organization_id",),
    kind=ActivityKind.NOTE,
    audience=Audience.INTERNAL,
)
class ActivityCreate(Struct):
    """The body of POST /organizations/{organizationId}/activities."""

    happened_at: Annotated[
        Moment | UnsetType,
        Meta(
            description="When it was, with the zone; now when left out",
            examples=["2026-01-30T15:00:00+01:00"],
        ),
    ]
    contact_ids: ContactIds

    EXAMPLE: ClassVar = {
        "kind": "call",
        "text": "Jordan wants the offer by Friday.",
        "contactIds": [3],
    }

    def __post_init__(self) -> None:
        self.happened_at = normalized_moment(self.happened_at)


@creation_of(Activity, kind=ActivityKind.NOTE, audience=Audience.INTERNAL)
class NewActivity(Struct):
    """An activity that is added without a path that names its organization."""

    happened_at: Annotated[Moment | UnsetType, Meta(description="When it was; now when left out")]
    contact_ids: ContactIds

    def __post_init__(self) -> None:
        self.happened_at = normalized_moment(self.happened_at)


@update_of(Activity)
class ActivityUpdate(Struct):
    """The body of PUT /activities/{id}: what is absent stays as it is."""

    organization_id: Annotated[
        Id, Meta(description="Organization it is to belong to", examples=[1])
    ]
    happened_at: Annotated[
        Moment | UnsetType,
        Meta(description="When it was, with the zone", examples=["2026-01-30T15:00:00+01:00"]),
    ]
    contact_ids: ContactIds

    EXAMPLE: ClassVar = {"text": "Jordan wants the offer by Thursday.", "audience": "client"}

    def __post_init__(self) -> None:
        self.happened_at = normalized_moment(self.happened_at)


def normalized_moment(moment: datetime | UnsetType) -> datetime | UnsetType:
    """A time in UTC with milliseconds, which are cut off rather than rounded, so that none reaches
    the year 10000. Raises Invalid for a time too early to be meant, and for one whose year in UTC
    has not four digits.
    """
    if moment is UNSET:
        return UNSET
    try:
        found = moment.astimezone(UTC)
    except OverflowError:
        found = datetime.min.replace(tzinfo=UTC)
    if found.year < EARLIEST_YEAR:
        raise invalid("happenedAt", f"must be in the years {EARLIEST_YEAR} to 9999, as UTC")
    return found.replace(microsecond=found.microsecond // 1000 * 1000)
