"""What signing in takes, and a session as its owner sees it."""

from typing import Annotated

from msgspec import Meta, Struct

from retainer.http.fields import LONGEST_PASSWORD, SHORTEST_PASSWORD, Id, Timestamp

# The least length is not part of the type: a refusal by type repeats what was sent, and a password
# is not repeated.
_WORDS = {"format": "password"}
Password = Annotated[str, Meta(max_length=LONGEST_PASSWORD, extra_json_schema=_WORDS)]
NewPassword = Annotated[
    str,
    Meta(max_length=LONGEST_PASSWORD, extra_json_schema={**_WORDS, "minLength": SHORTEST_PASSWORD}),
]


class Login(Struct, forbid_unknown_fields=True):
    """The body of POST /login."""

    username: Annotated[str, Meta(max_length=254)]
    password: Password


class Setup(Struct, forbid_unknown_fields=True):
    """The body of POST /setup."""

    token: Annotated[str, Meta(max_length=200)]
    password: NewPassword


class PasswordChange(Struct, rename="camel", forbid_unknown_fields=True):
    """The body of PUT /user/password."""

    current_password: Password
    new_password: NewPassword


class Session(Struct, rename="camel"):
    """One of the viewer's sessions. `expiresAt` is when it ends if it is not used any more."""

    id: Id
    created_at: Timestamp
    last_seen_at: Timestamp
    expires_at: Timestamp
    user_agent: str | None
    address: str | None
    current: bool
