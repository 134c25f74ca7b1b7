"""What a user is, to themselves and to an admin."""

from enum import StrEnum
from functools import lru_cache
from typing import Annotated
from zoneinfo import available_timezones

from msgspec import UNSET, Meta, Struct, UnsetType

from retainer.errors import invalid
from retainer.http.fields import Email, Id, Name, Timestamp
from retainer.permissions import Role

TimeZone = Annotated[str, Meta(max_length=64, extra_json_schema={"examples": ["Europe/Zurich"]})]


class Theme(StrEnum):
    """Which colours pages have; the system's are what the browser asks for."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class Density(StrEnum):
    """How much room the rows of a list have."""

    COMPACT = "compact"
    COMFORTABLE = "comfortable"


class User(Struct, rename="camel"):
    """A user as the API answers it. `timeZone` is the one in force: their own, else the tenant's."""

    id: Id
    username: Email
    full_name: Name
    role: Role
    tenant_id: Id
    contact_id: Id | None
    is_active: bool
    time_zone: TimeZone
    last_login_at: Timestamp | None


class UserDetails(User):
    """A user as they see themselves: with what they prefer of the pages."""

    theme: Theme
    density: Density
    shortcuts: bool


class UserName(Struct, rename="camel"):
    """A user as colleagues see them."""

    id: Id
    username: Email
    full_name: Name


class UserCreate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of POST /users."""

    username: Email
    full_name: Name
    role: Role
    contact_id: Id | None = None


class UserUpdate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of PUT /users/{id}: what is absent stays as it is."""

    full_name: Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    contact_id: Id | None | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class AccountUpdate(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of PUT /user: what is absent stays as it is; a null time zone stands for the
    tenant's.
    """

    full_name: Name | UnsetType = UNSET
    time_zone: TimeZone | None | UnsetType = UNSET
    theme: Theme | UnsetType = UNSET
    density: Density | UnsetType = UNSET
    shortcuts: bool | UnsetType = UNSET


class Link(Struct, rename="camel"):
    """A single-use link to choose a password; shown this once, only its digest is kept."""

    url: str
    expires_at: Timestamp


def refuse_unknown_time_zone(name: str | None) -> None:
    """Raises Invalid on `timeZone` unless the time zone database knows the name; null is fine."""
    if name is not None and name not in time_zones():
        raise invalid(
            "timeZone", f'must be the name of a time zone such as Europe/Zurich, not "{name}"'
        )


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """The names that time zones have here."""
    # Some systems list these two beside the real ones; PostgreSQL and other machines do not know
    # them.
    return frozenset(available_timezones() - {"localtime", "Factory"})
