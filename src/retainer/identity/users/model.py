"""Users as they see themselves, as admins and as colleagues see them; and the bodies of writes."""

from enum import StrEnum
from functools import lru_cache
from typing import Annotated, ClassVar
from zoneinfo import available_timezones

from msgspec import Meta, Struct

from retainer.errors import invalid
from retainer.http.fields import (
    READ_ONLY,
    USERNAME,
    Email,
    FullName,
    Id,
    Name,
    RecordId,
    Timestamp,
    update_of,
)
from retainer.permissions import Role


class Theme(StrEnum):
    """Colours of pages; the system's are what the browser asks for."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Density(StrEnum):
    """Room between the rows of a list."""

    COMPACT = "compact"
    COMFORTABLE = "comfortable"


Username = Annotated[Email, USERNAME]
UserFullName = Annotated[Name, Meta(description="Full name", examples=["Cora"])]
UserRole = Annotated[Role, Meta(description="What they may do", examples=["consultant"])]
ContactId = Annotated[
    Id | None,
    Meta(
        description="The contact they are; staff and guests see that contact's organizations",
        examples=[2],
    ),
]
_TimeZone = Annotated[str, Meta(max_length=64, examples=["Europe/Zurich"])]


class User(Struct, rename="camel"):
    """A user as the API answers it. `timeZone` is the one in force: their own, else the
    tenant's.
    """

    id: RecordId
    username: Username
    full_name: UserFullName
    role: UserRole
    tenant_id: Annotated[
        Id, READ_ONLY, Meta(description="The consultancy they belong to", examples=[1])
    ]
    contact_id: ContactId
    is_active: Annotated[
        bool, Meta(description="False keeps them from signing in", examples=[True])
    ]
    time_zone: Annotated[
        _TimeZone, Meta(description="Name of a time zone (IANA)", examples=["Europe/Zurich"])
    ]
    last_login_at: Annotated[
        Timestamp | None,
        READ_ONLY,
        Meta(
            description="When they signed in last; null before the first time",
            examples=["2026-02-03T16:05:12.480Z"],
        ),
    ]


class UserDetails(User):
    """A user as they see themselves: with what they prefer of the pages."""

    theme: Annotated[
        Theme,
        Meta(description="Colours of the pages: the system's, light or dark", examples=["dark"]),
    ]
    density: Annotated[
        Density, Meta(description="Height of the rows of lists", examples=["comfortable"])
    ]
    shortcuts: Annotated[
        bool,
        Meta(
            description="Whether single keys do something on pages; false leaves those with Ctrl "
            "or Cmd",
            examples=[True],
        ),
    ]


class UserName(Struct, rename="camel"):
    """A user as colleagues see them."""

    id: RecordId
    username: Username
    full_name: UserFullName


class UserCreate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of POST /users."""

    username: Annotated[
        Email,
        Meta(description="E-mail address to sign in with", examples=["nora@example.com"]),
    ]
    full_name: Annotated[Name, Meta(description="Full name", examples=["Nora Lind"])]
    role: UserRole
    contact_id: ContactId = None


@update_of(User, only=("full_name", "role", "contact_id", "is_active"))
class UserUpdate(Struct):
    """The body of PUT /users/{id}: what is absent stays as it is."""

    EXAMPLE: ClassVar = {"fullName": "Ada Berg"}


@update_of(UserDetails, only=("full_name", "time_zone", "theme", "density", "shortcuts"))
class AccountUpdate(Struct):
    """The body of PUT /user: what is absent stays as it is; a null time zone stands for the
    tenant's.
    """

    full_name: FullName
    time_zone: Annotated[
        _TimeZone | None,
        Meta(
            description="Name of a time zone (IANA); null for the consultancy's",
            examples=["Europe/Zurich"],
        ),
    ]

    EXAMPLE: ClassVar = {"timeZone": "Europe/Zurich", "theme": "dark"}


class Link(Struct, rename="camel"):
    """A single-use link to choose a password; shown this once, only its digest is kept."""

    url: Annotated[
        str,
        Meta(
            description="The link to hand over",
            examples=["https://retainer.example.com/setup#token=kJ3v0m1sXh2y8dQeR7uTzA5bC9fGnLwP"],
        ),
    ]
    expires_at: Annotated[
        Timestamp, Meta(description="When it ends", examples=["2026-02-03T09:30:00.000Z"])
    ]


def refuse_unknown_time_zone(name: str | None) -> None:
    """Raise Invalid on `timeZone` unless the time zone database knows the name; null is fine."""
    if name is not None and name not in time_zones():
        raise invalid(
            "timeZone", f'must be the name of a time zone such as Europe/Zurich, not "{name}"'
        )


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """The names of all time zones that the time zone database has here."""
    # Some systems list these two beside the real ones; PostgreSQL and other machines do not know
    # them.
    return frozenset(available_timezones() - {"localtime", "Factory"})
