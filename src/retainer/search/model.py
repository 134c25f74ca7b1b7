"""The parameters of a search, and its hits."""

from typing import Annotated

from msgspec import Meta, Struct

from retainer.http.fields import Id, RecordId


class SearchQuery(Struct, rename="camel", forbid_unknown_fields=True):
    """The parameters of GET /search; no kinds stand for all."""

    q: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=200,
            pattern=r"\S",
            description="What to find: words, or their beginnings",
            examples=["aceme corpration"],
        ),
    ]
    kinds: Annotated[
        list[str],
        Meta(
            min_length=1,
            description="Only these kinds, with commas between; all when left out",
            examples=[["organization", "contact"]],
        ),
    ] = []
    limit: Annotated[
        int, Meta(ge=1, le=100, description="How many hits at most", examples=[20])
    ] = 20


class Part(Struct):
    """A piece of a text: found, or around what was found."""

    text: Annotated[
        str,
        Meta(description="A piece of the text as it is, without any markup", examples=["Acme"]),
    ]
    match: Annotated[bool, Meta(description="Whether this piece was found", examples=[True])]


class Highlight(Struct):
    """Place in a hit where the words were found: the whole of a short text, a part of a long one
    with … where it was cut.
    """

    field: Annotated[
        str,
        Meta(description="Which of its fields, or content: the text of a file", examples=["name"]),
    ]
    parts: Annotated[
        list[Part],
        Meta(
            description="The text in pieces; together they are it, or a part of it with … where it "
            "was cut"
        ),
    ]


class Hit(Struct, rename="camel"):
    """One thing found. `subtitle` is an organization's industry, a contact's e-mail, else the
    organization's name.
    """

    kind: Annotated[
        str,
        Meta(description="What was found; its id is one of that kind", examples=["organization"]),
    ]
    id: RecordId
    title: Annotated[
        str, Meta(description="Its name, full name or title", examples=["Acme Corporation"])
    ]
    subtitle: Annotated[
        str | None,
        Meta(
            description="An organization's industry, a contact's e-mail, else the organization's "
            "name",
            examples=["Technology"],
        ),
    ]
    organization_id: Annotated[
        Id | None,
        Meta(description="The organization, when there is one that the viewer sees", examples=[1]),
    ]
    score: Annotated[
        float,
        Meta(
            description="The higher the better; comparable within one answer only",
            examples=[83.58],
        ),
    ]
    highlights: Annotated[
        list[Highlight],
        Meta(description="Where the words stand; none when they resemble something else"),
    ]
