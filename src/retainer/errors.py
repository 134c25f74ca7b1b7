"""The few errors of the API, each with its status, rendered as RFC 9457 problem details."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

PROBLEM_JSON = "application/problem+json"
NOTHING_HERE = "Nothing is here, or nothing that you may see."


class FieldError(Struct):
    """One problem of one field: `field` is its path in the body, such as `metadata` or
    `projectIds[2]`.
    """

    field: Annotated[
        str,
        Meta(description="Path of the field, such as metadata or projectIds[2]", examples=["name"]),
    ]
    message: Annotated[
        str,
        Meta(
            description="What is wrong with it and what would be right",
            examples=["is required; it must be text"],
        ),
    ]


# An answer to mistakes stays short however many there are: each is told twice, in `detail` and in
# `errors`, and a body of a megabyte has room for a hundred thousand.
MOST_TOLD = 100
MOST_TOLD_BYTES = 28_000
LONGEST_FIELD = 100  # characters of a field's name: it may be the sender's own invention
AND = "and "
# Stands for a problem that is beyond those told, and is only counted.
UNTOLD = FieldError("", "is wrong as well")


def told(errors: Sequence[FieldError], most: int = MOST_TOLD) -> list[FieldError]:
    """The first problems, as many as an answer has room for; the last entry counts the others."""
    shown: list[FieldError] = []
    size = 0
    for error in errors[:most]:
        short = FieldError(error.field[:LONGEST_FIELD], error.message)
        size += len(msgspec.json.encode(short))
        if shown and size > MOST_TOLD_BYTES:
            break
        shown.append(short)
    if len(shown) < len(errors):
        field = errors[len(shown)].field[:LONGEST_FIELD] or shown[-1].field
        shown.append(FieldError(field, f"{AND}{len(errors) - len(shown)} more"))
    return shown


def camel(column: str) -> str:
    """A column's name as the API spells it: full_name → fullName."""
    first, *rest = column.split("_")
    return first + "".join(word.capitalize() for word in rest)


class LineProblem(Struct, omit_defaults=True):
    """Reason for which the write of one line of many cannot be made."""

    line: Annotated[int, Meta(description="Number of the line, from 1", examples=[3])]
    status: Annotated[
        int, Meta(description="Status that the write would have alone", examples=[404])
    ]
    detail: Annotated[
        str,
        Meta(description="What is wrong, where, and what would be right", examples=[NOTHING_HERE]),
    ]
    errors: Annotated[
        list[FieldError], Meta(description="Each problem of the write by field", examples=[[]])
    ] = []
    type: Annotated[
        str,
        Meta(
            description="Type that the problem would have alone; left out where it is about:blank",
            examples=["/api/problems/password-needed"],
        ),
    ] = "about:blank"


class Clash(Struct, rename="camel", omit_defaults=True):
    """A record that keeps something from being undone: why, and who changed it when, where somebody
    did.
    """

    entity: Annotated[
        str, Meta(description="Which kind of record it is, as in histories", examples=["tasks"])
    ]
    entity_id: Annotated[int, Meta(description="Its id", examples=[12])]
    title: Annotated[
        str | None,
        Meta(description="Its name or title", examples=["Send the kick-off agenda"]),
    ]
    message: Annotated[
        str,
        Meta(
            description="What is in the way, and what would be right",
            examples=[
                "was changed by Cora at 2026-02-03T16:05:12.480Z (operation 42); undo that first, "
                "or change it by hand"
            ],
        ),
    ]
    by: Annotated[
        str | None,
        Meta(description="Who changed it; left out where nobody did", examples=["Cora"]),
    ] = None
    at: Annotated[
        str | None,
        Meta(description="When; left out where nobody did", examples=["2026-02-03T16:05:12.480Z"]),
    ] = None
    operation_id: Annotated[
        int | None,
        Meta(description="By which operation; left out where nobody did", examples=[42]),
    ] = None


class ProblemDetails(Struct, rename="camel", omit_defaults=True):
    """The body of every answer from 400 on (RFC 9457)."""

    type: Annotated[
        str,
        Meta(
            description=(
                "about:blank, or /api/problems/password-needed when the password must be"
                " confirmed first."
            ),
            examples=["about:blank"],
        ),
    ]
    title: Annotated[
        str, Meta(description="The status in words", examples=["Unprocessable Content"])
    ]
    status: Annotated[int, Meta(description="The status code", examples=[422])]
    detail: Annotated[
        str,
        Meta(
            description="What is wrong, where, and what would be right",
            examples=["name: is required; it must be text."],
        ),
    ]
    instance: Annotated[
        str, Meta(description="The path that was asked for", examples=["/api/organizations"])
    ]
    request_id: Annotated[
        str,
        Meta(description="Finds the request in the server's log", examples=["3f9c0b7a21-1f"]),
    ]
    errors: Annotated[
        list[FieldError],
        Meta(description="Each problem of the request by field, on 422 and some 409"),
    ] = []
    current: Annotated[
        dict[str, Any] | UnsetType,
        Meta(
            description="On 412: the record as it is now",
            examples=[{"id": 1, "name": "Acme Corporation"}],
        ),
    ] = UNSET
    lines: Annotated[
        list[LineProblem], Meta(description="On 422 of /bulk: each line that cannot be done")
    ] = []
    clashes: Annotated[
        list[Clash],
        Meta(description="On 409 of an undoing: each record that is in the way, at most 20"),
    ] = []


# RFC 9110's phrases; Python 3.11 and 3.12 still have the older ones.
TITLES = {413: "Content Too Large", 416: "Range Not Satisfiable", 422: "Unprocessable Content"}


def title(status: int) -> str:
    """The reason phrase of a status."""
    return TITLES.get(status) or HTTPStatus(status).phrase


class Problem(Exception):
    """An error response. `detail` is one sentence for a person: what is wrong, where, and what
    would be right.
    """

    status = 500
    type = "about:blank"
    detail = "Something went wrong on our side. The request id finds it in the log."
    is_rolled_back = True  # false where part of the request may have been committed
    is_for_people = True  # false where only a program's author can use the detail

    def __init__(
        self,
        detail: str = "",
        *,
        errors: list[FieldError] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.detail = detail or self.detail
        self.errors = errors or []
        self.headers = headers or {}
        self.current = b""
        self.lines: list[LineProblem] = []
        self.clashes: list[Clash] = []
        super().__init__(self.detail)

    def body(self, instance: str, request_id: str) -> bytes:
        """The problem+json document."""
        document = ProblemDetails(
            self.type,
            title(self.status),
            self.status,
            self.detail,
            instance,
            request_id,
            errors=self.errors,
            lines=self.lines,
            clashes=self.clashes,
        )
        if self.current:
            document = msgspec.structs.replace(document, current=msgspec.Raw(self.current))
        return msgspec.json.encode(document)


class MalformedJson(Problem):
    status = 400
    detail = "The body is not valid JSON."


class MalformedRequest(Problem):
    status = 400


class NotSignedIn(Problem):
    status = 401
    detail = "Sign in first: POST /api/login sets the connect.sid cookie that this request lacks."


class BadCredentials(Problem):
    status = 401
    detail = "The username or the password is wrong."


class Forbidden(Problem):
    status = 403


class RoleForbidden(Forbidden):
    """The viewer's role may not do this."""

    is_for_people = False  # pages say it in other words


class NotFound(Problem):
    status = 404
    detail = NOTHING_HERE


class MethodNotAllowed(Problem):
    status = 405


class Conflict(Problem):
    status = 409


class PreconditionFailed(Problem):
    """A record is not as the request expects it. `current` is its JSON and `etag` its ETag header;
    both are absent where there is no record.
    """

    status = 412

    def __init__(self, detail: str, current: bytes = b"", etag: str | None = None) -> None:
        headers: dict[str, str] = {}
        if etag is not None:
            headers["etag"] = etag
        super().__init__(detail, headers=headers)
        self.current = current


class TooLarge(Problem):
    status = 413


class UnsupportedMediaType(Problem):
    status = 415


class RangeNotSatisfiable(Problem):
    status = 416


class Invalid(Problem):
    """Mistakes in what was sent, the first MOST_TOLD of them by field."""

    status = 422

    def __init__(self, *errors: FieldError, headers: dict[str, str] | None = None) -> None:
        shown = told(errors)
        detail = "; ".join(map(_words, shown)) + "."
        super().__init__(detail, errors=shown, headers=headers)


def _words(error: FieldError) -> str:
    if error.message.startswith(AND):
        return error.message
    return f"{error.field}: {error.message}"


class TooManyRequests(Problem):
    status = 429


class Unavailable(Problem):
    """The database is gone or busy, or the time ran out; Retry-After is in seconds."""

    status = 503
    detail = "The database cannot be reached at the moment. Try again shortly."
    is_rolled_back = False

    def __init__(self, detail: str = "", retry_after: int = 1) -> None:
        super().__init__(detail, headers={"retry-after": str(retry_after)})


class Overloaded(Unavailable):
    """More is asked for than can be answered in time. Refused as a document to browsers too: a page
    would take as long as what is refused.
    """

    detail = "More is asked for at this moment than can be answered in time. Try again shortly."
    is_undone = True


class StorageFull(Problem):
    status = 507
    detail = "There is no space left to store this. Nothing was changed."


def invalid(field: str, message: str) -> Invalid:
    """A 422 about one field."""
    return Invalid(FieldError(field, message))


def conflict(field: str, message: str) -> Conflict:
    """A 409 about one field."""
    return Conflict(f"{field}: {message}.", errors=[FieldError(field, message)])
