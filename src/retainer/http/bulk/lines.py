"""The lines of /bulk: each is one write, read as a request of its own, and answered by one line."""

from enum import StrEnum
from typing import Annotated, ClassVar
from urllib.parse import quote, unquote

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from starlette.responses import Response

from retainer.database.database import Db
from retainer.errors import (
    AND,
    MOST_TOLD,
    MOST_TOLD_BYTES,
    FieldError,
    Invalid,
    LineProblem,
    MethodNotAllowed,
    Problem,
    TooLarge,
    invalid,
    told,
)
from retainer.http.body import decode
from retainer.http.dispatch import check, run_change
from retainer.http.headers import Headers
from retainer.http.request import Request
from retainer.http.routing import API, Route
from retainer.http.safe_writes import prefer

_IN_PATHS = (
    "/%!$&'()*+,;=:@~"  # left as they are in a path, percent signs too: it is encoded already
)
NULL = Raw(b"null")
MOST_OF_LINE = 10  # problems of one line that a refused bulk tells
_OBJECT_OR_NULL = {"anyOf": [{"type": "object"}, {"type": "null"}]}


class Method(StrEnum):
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


class BulkLine(Struct, rename="camel", forbid_unknown_fields=True):
    """A line of the body of POST /bulk: one write, as it would be sent alone."""

    method: Annotated[Method, Meta(description="Method of the write", examples=["PUT"])]
    path: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=1000,
            description="Path of the write, without /api",
            examples=["/organizations/1"],
        ),
    ]
    body: Annotated[
        Raw | UnsetType,
        Meta(
            extra_json_schema={"type": "object"},
            description="Its body, where it has one",
            examples=[{"industry": "Energy"}],
        ),
    ] = UNSET
    if_match: Annotated[
        Annotated[str, Meta(max_length=1000)] | UnsetType,
        Meta(
            description="ETags of the states in which it is made; left out, it is made in any",
            examples=['"1-4"'],
        ),
    ] = UNSET


class BulkAnswer(Struct):
    """A line of its answer: what the write would have answered alone, or its problem."""

    line: Annotated[int, Meta(description="Number of the line, from 1", examples=[1])]
    status: Annotated[
        int, Meta(description="Status that the write would have alone", examples=[200])
    ]
    etag: Annotated[
        str | None,
        Meta(
            description="ETag of the record after the write; null where there is none",
            examples=['"1-5"'],
        ),
    ]
    body: Annotated[
        Raw,
        Meta(
            extra_json_schema=_OBJECT_OR_NULL,
            description="What the write would answer alone; null where that is nothing",
            examples=[{"id": 1, "industry": "Energy"}],
        ),
    ]
    problem: Annotated[
        Raw,
        Meta(
            extra_json_schema=_OBJECT_OR_NULL,
            description="The problem document of a line that was refused, else null",
        ),
    ]

    EXAMPLE: ClassVar = {
        "line": 1,
        "status": 200,
        "etag": '"1-5"',
        "body": {"id": 1, "industry": "Energy"},
        "problem": None,
    }


class Line(Request):
    """One line as a request of its own, sent by the viewer of the whole request."""

    def __init__(self, whole: Request, number: int, raw: bytes) -> None:
        self.number = number
        self.text = raw
        scope = {"type": "http", "method": "POST", "path": whole.path, "headers": []}
        super().__init__(whole.app, scope, whole.receive, whole.id)
        self.session_viewer = whole.session_viewer
        self.prefer = {name: whole.prefer[name] for name in whole.prefer if name == "return"}
        self.ids: list[str] = []
        self.refusal: Problem | None = None
        try:
            self._read()
        except Problem as problem:
            self.refusal = problem

    def _read(self) -> None:
        """Set route, path, headers and body. Raises Problem for what is no write of a record."""
        line = decode(self.text, BulkLine)
        path, _, query = line.path.partition("?")
        if not path.startswith(API + "/"):
            path = API + path
        self.path = unquote(path)
        self.text = b""
        if line.body is not UNSET:
            self.text = bytes(line.body)
        headers = {"content-type": "application/json", "content-length": str(len(self.text))}
        if "return" in self.prefer:
            headers["prefer"] = f"return={self.prefer['return']}"
        if line.if_match is not UNSET:
            headers["if-match"] = line.if_match
        self.scope = {
            "type": "http",
            "method": line.method.value,
            "path": self.path,
            "raw_path": quote(path, safe=_IN_PATHS).encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        self.method, self.headers = line.method.value, Headers(self.scope["headers"])
        self.route = self._find_route()

    def _find_route(self) -> Route:
        table = self.app.table
        routes, self.ids = table.find(self.segments)
        writes = {
            name: route for name, route in (routes or {}).items() if table.takes_in_bulk(route)
        }
        if not writes:
            raise invalid(
                "path", "must be one of a record, such as /organizations/12, whose changes are JSON"
            )
        if self.method not in writes:
            raise MethodNotAllowed(f"In bulk this path takes {', '.join(sorted(writes))}.")
        return writes[self.method]

    async def limited_body(self, limit: int) -> bytes:
        """The line's body, which has been read already."""
        if len(self.text) > limit:
            raise TooLarge(f"The body has {len(self.text)} bytes; at most {limit} are accepted.")
        return self.text

    async def record_refusal(self) -> None:
        """Do nothing: the whole request records one refusal for all its lines."""

    async def respond(self, db: Db) -> Response:
        """The response to the line as if it had been sent alone. Raises Problem."""
        if self.refusal is not None:
            raise self.refusal
        assert self.route is not None
        self.db = db
        self.data = None
        arguments = await check(self, self.route, self.ids)
        response = await run_change(self, self.route, arguments)
        return prefer.apply(self.prefer, self.route, response)

    def encode_result(self, result: Response | Problem) -> bytes:
        """Encode its line of the response."""
        if isinstance(result, Problem):
            problem = Raw(result.body(self.path, self.id))
            outcome = BulkAnswer(self.number, result.status, None, NULL, problem)
        else:
            body = NULL
            if result.body:
                body = Raw(result.body)
            etag = result.headers.get("etag")
            outcome = BulkAnswer(self.number, result.status_code, etag, body, NULL)
        return msgspec.json.encode(outcome) + b"\n"


class LinesRefused(Problem):
    """A bulk write that is refused because of these lines. The first of them are told, each with a
    few of its problems.
    """

    status = 422

    def __init__(self, first: list[tuple[int, Problem]], failures: int, count: int) -> None:
        shown = _shown(first, failures)
        words = [FieldError(f"line {line.line}", line.detail.removesuffix(".")) for line in shown]
        what = "1 line" if failures == 1 else f"{failures} lines"
        detail = f"{words[0].field}: {words[0].message}"
        if failures > 1:
            detail += f"; {AND}{failures - 1} more"
        super().__init__(
            f"{what} of {count} cannot be done, so nothing was changed. {detail}.", errors=words
        )
        self.lines = shown


def _shown(lines: list[tuple[int, Problem]], failures: int) -> list[LineProblem]:
    """As many lines as an answer has room for; the last entry counts the others."""
    shown: list[LineProblem] = []
    size = 0
    for number, problem in lines[:MOST_TOLD]:
        line = _line_problem(number, problem)
        size += len(msgspec.json.encode(line))
        if shown and size > MOST_TOLD_BYTES:
            break
        shown.append(line)
    if len(shown) < failures:
        number, problem = lines[len(shown)]
        shown.append(LineProblem(number, problem.status, f"{AND}{failures - len(shown)} more"))
    return shown


def _line_problem(number: int, problem: Problem) -> LineProblem:
    if len(problem.errors) <= MOST_OF_LINE:
        return LineProblem(number, problem.status, problem.detail, problem.errors, problem.type)
    short = Invalid(*told(problem.errors, MOST_OF_LINE))
    return LineProblem(number, problem.status, short.detail, short.errors)
