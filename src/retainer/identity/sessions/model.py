"""The bodies of signing in, and a session as its owner sees it."""

from typing import Annotated

from msgspec import Meta, Struct

from retainer.http.fields import (
    LONGEST_PASSWORD,
    ONE_LINE,
    SHORTEST_PASSWORD,
    CreatedAt,
    RecordId,
    Timestamp,
)

# The least length is not part of the type: a refusal by type repeats what was sent, and a password
# is not repeated.
_PASSWORD = {"format": "password"}
Password = Annotated[str, Meta(max_length=LONGEST_PASSWORD, extra_json_schema=_PASSWORD)]
NewPassword = Annotated[
    str,
    Meta(
        max_length=LONGEST_PASSWORD,
        extra_json_schema={**_PASSWORD, "minLength": SHORTEST_PASSWORD},
        description="The password to have: 8 characters or more, and no common one",
        examples=["slow-river-violet-42"],
    ),
]


class Login(Struct, forbid_unknown_fields=True):
    """The body of POST /login."""

    username: Annotated[
        str,
        ONE_LINE,
        Meta(
            max_length=254, description="E-mail address of the user", examples=["ada@example.com"]
        ),
    ]
    password: Annotated[
        Password, Meta(description="Their password", examples=["quiet-ledger-2026"])
    ]


class Setup(Struct, forbid_unknown_fields=True):
    """The body of POST /setup."""

    token: Annotated[
        str,
        Meta(
            max_length=200,
            description="What stands in the link after #token=",
            examples=["kJ3v0m1sXh2y8dQeR7uTzA5bC9fGnLwPoI4YxKq6M-E"],
        ),
    ]
    password: NewPassword


class PasswordChange(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of PUT /user/password."""

    current_password: Annotated[
        Password, Meta(description="The password until now", examples=["quiet-ledger-2026"])
    ]
    new_password: NewPassword


class Confirmation(Struct, forbid_unknown_fields=True):
    """The body of POST /user/confirmations."""

    password: Annotated[Password, Meta(description="Your password", examples=["quiet-ledger-2026"])]


class Session(Struct, rename="camel"):
    """One of the viewer's sessions. `expiresAt` is when it ends if it is not used any more."""

    id: RecordId
    created_at: CreatedAt
    last_seen_at: Annotated[
        Timestamp,
        Meta(description="When it was used last", examples=["2026-01-31T11:02:45.120Z"]),
    ]
    expires_at: Annotated[
        Timestamp,
        Meta(
            description="When it ends if it is not used any more",
            examples=["2026-02-01T11:02:45.120Z"],
        ),
    ]
    user_agent: Annotated[
        str | None, Meta(description="What the browser calls itself", examples=["curl/8.14.1"])
    ]
    address: Annotated[
        str | None, Meta(description="Address it began from", examples=["192.0.2.10"])
    ]
    current: Annotated[bool, Meta(description="Whether it is the one that asks", examples=[True])]
