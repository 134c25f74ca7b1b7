"""What an activity is."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from retainer.errors import invalid
from retainer.http.fields import Audience, Id, Moment, Name, Timestamp

Said = Annotated[str, Meta(min_length=1, max_length=20_000, pattern=r"\S")]
ContactIds = Annotated[list[Id], Meta(max_length=50)]
EARLIEST = 1900  # the year


class ActivityKind(StrEnum):
    CALL = "call"
    MEETING = "meeting"
    EMAIL = "email"
    NOTE = "note"


class Activity(Struct, rename="camel"):
    """An activity as the API answers it."""

    id: Id
    organization_id: Id
    kind: ActivityKind
    text: Said
    happened_at: Timestamp
    author_id: Id
    contact_ids: list[Id]
    audience: Audience
    created_at: Timestamp
    updated_at: Timestamp


class Author(Struct, rename="camel"):
    """The user who logged an activity, as lists show them."""

    id: Id
    username: str
    full_name: Name


class ActivityContact(Struct, rename="camel"):
    """A contact of an activity, as lists show it."""

    id: Id
    full_name: Name


class ListedActivity(Activity, rename="camel"):
    """An activity in a list: with its author, and those of its contacts that are there and that the
    viewer sees.
    """

    author: Author
    contacts: list[ActivityContact]


class ActivityCreate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of POST /organizations/{organizationId}/activities."""

    text: Said
    kind: ActivityKind = ActivityKind.NOTE
    happened_at: Moment | UnsetType = UNSET
    contact_ids: ContactIds = []
    audience: Audience = Audience.INTERNAL

    def __post_init__(self) -> None:
        self.happened_at = kept(self.happened_at)


class ActivityUpdate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of PUT /activities/{id}: what is absent stays as it is."""

    organization_id: Id | UnsetType = UNSET
    kind: ActivityKind | UnsetType = UNSET
    text: Said | UnsetType = UNSET
    happened_at: Moment | UnsetType = UNSET
    contact_ids: ContactIds | UnsetType = UNSET
    audience: Audience | UnsetType = UNSET

    def __post_init__(self) -> None:
        self.happened_at = kept(self.happened_at)


def kept(moment: datetime | UnsetType) -> datetime | UnsetType:
    """A time as it is kept: UTC, milliseconds, cut so that none is rounded into the year 10000.
    Raises Invalid for one that is too early to be meant, or has no year of four digits as UTC.
    """
    if moment is UNSET:
        return UNSET
    try:
        found = moment.astimezone(UTC)
    except OverflowError:
        found = datetime.min.replace(tzinfo=UTC)
    if found.year < EARLIEST:
        raise invalid("happenedAt", f"must be in the years {EARLIEST} to 9999, as UTC")
    return found.replace(microsecond=found.microsecond // 1000 * 1000)
