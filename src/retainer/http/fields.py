"""Types of fields that several nouns share, with the limits that the database checks again."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Meta

# Python's "$" also stands before a newline at the end, PostgreSQL's does not.
EMAIL = r"^[^@\s]+@[^@\s]+$(?!\n)"
HTTP = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/]\S*$(?!\n)"
# Labels and dots: no space, no ASCII punctuation but the hyphen. What else a host name must be, its
# noun's model knows.
HOST = r"^[^\s!-,./:-@\[-`{-~]{1,63}(\.[^\s!-,./:-@\[-`{-~]{1,63})+$(?!\n)"

# Characters, not bytes.
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 1024

Id = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S")]
Line = Annotated[str, Meta(max_length=255)]
Address = Annotated[str, Meta(max_length=2000)]
Text = Annotated[str, Meta(max_length=20_000)]
Email = Annotated[str, Meta(min_length=3, max_length=254, pattern=EMAIL)]
Metadata = dict[str, Any]
Date = date
Moment = Annotated[datetime, Meta(tz=True)]
# Timestamps leave the database as text: RFC 3339, UTC, milliseconds.
Timestamp = Annotated[
    str, Meta(extra_json_schema={"format": "date-time", "examples": ["2026-01-31T09:30:00.000Z"]})
]


class Audience(StrEnum):
    """For whom a record is meant: guests see only what is meant for clients."""

    INTERNAL = "internal"
    CLIENT = "client"
