"""What is searched for, and what is found."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from retainer.http.fields import Id

Typed = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
Most = Annotated[int, Meta(ge=1, le=100)]


class Kind(StrEnum):
    """What can be found; in the order in which equally good hits stand."""

    ORGANIZATION = "organization"
    CONTACT = "contact"
    PROJECT = "project"
    DOCUMENT = "document"
    TASK = "task"
    ACTIVITY = "activity"


class SearchQuery(Struct, rename="camel", forbid_unknown_fields=True):
    """The parameters of GET /search; no kinds stand for all."""

    q: Typed
    kinds: Annotated[list[Kind], Meta(min_length=1, max_length=6)] = msgspec.field(
        default_factory=lambda: list(Kind)
    )
    limit: Most = 20


class Part(Struct):
    """A piece of a text: found, or around what was found."""

    text: str
    match: bool


class Highlight(Struct):
    """Where in a hit the words were found: the whole of a short text, a part of a long one with …
    where it was cut.
    """

    field: str
    parts: list[Part]


class Hit(Struct, rename="camel"):
    """One thing found. `subtitle` is an organization's industry, a contact's e-mail, else the
    organization's name.
    """

    kind: Kind
    id: Id
    title: str
    subtitle: str | None
    organization_id: Id | None
    score: float
    highlights: list[Highlight]
