"""POST /bulk: many writes in one transaction, which is one operation of the journal
(docs/decisions/0009).

Each line is a request of its own, admitted and handled as if it came alone. Lines that follow each
other on one route run together, so that their changes can be sent as one; where that fails, by
halves, until each failing line is known.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.responses import Response

from retainer.database.database import Db, Retry, SessionChanged
from retainer.database.pool import ACQUIRE_SECONDS
from retainer.errors import Forbidden, Problem, TooLarge, Unavailable, invalid
from retainer.http.bulk.lines import Line, Refused
from retainer.http.bulk.pipeline import Alone, Gathering
from retainer.http.dispatch import record_refusal
from retainer.http.prefer import APPLIED
from retainer.http.request import Request
from retainer.http.routing import Route

MOST = 10_000  # lines
TOGETHER = 500  # lines that are read and run at once
ANSWER_TIMES = 4  # the answer may be so many times as long as the longest body

Result = tuple[Line, Response | Problem]


async def create(request: Request) -> Response:
    lines = split(request.data)
    is_lenient = request.prefer.get("handling") == "lenient"
    run = Run(request, is_lenient=is_lenient)
    async with place(request), request.db.transaction() as tx:
        for start in range(0, len(lines), TOGETHER):
            await run.chunk(
                tx,
                [Line(request, number, text) for number, text in lines[start : start + TOGETHER]],
            )
        if any(isinstance(problem, Forbidden) for _, problem in run.failed):
            await record_refusal(request)
        if run.failed and not is_lenient:
            raise Refused(run.failed, len(lines))
    for user in run.changed_users:
        request.forget(user)
    heeded = ["handling=lenient"] if is_lenient else []
    heeded += ["return=minimal"] if request.prefer.get("return") == "minimal" else []
    headers = {APPLIED: ", ".join(heeded)} if heeded else {}
    return Response(b"".join(run.told), headers=headers, media_type="application/x-ndjson")


def split(body: bytes) -> list[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers. Raises Problem for none and for too many."""
    lines = [(number, text) for number, text in enumerate(body.split(b"\n"), 1) if text.strip()]
    if not lines:
        raise invalid("body", "has no line; send a write as JSON on each")
    if len(lines) > MOST:
        raise TooLarge(f"The body has {len(lines)} lines; at most {MOST} are accepted.")
    return lines


@asynccontextmanager
async def place(request: Request) -> AsyncIterator[None]:
    """One of the few places for such requests, so that they never hold all connections."""
    bulks = request.app.database.bulks
    if bulks.locked():
        raise Unavailable(
            "Too many requests of many writes are running. Try again shortly.", int(ACQUIRE_SECONDS)
        )
    async with bulks:
        yield


class Run:
    """What has become of the lines so far."""

    def __init__(self, request: Request, *, is_lenient: bool) -> None:
        self.request = request
        self.is_lenient = is_lenient
        self.told: list[bytes] = []
        self.size = 0
        self.failed: list[tuple[int, Problem]] = []
        self.changed_users: list[int] = []
        self.alone: set[str] = set()  # routes whose changes cannot be sent together

    async def chunk(self, tx: Db, lines: list[Line]) -> None:
        """Some lines, those on one route together."""
        start = 0
        for end in range(1, len(lines) + 1):
            if end == len(lines) or lines[end].route is not lines[start].route:
                self.tell(await self.results(tx, lines[start:end]))
                start = end

    async def results(self, tx: Db, lines: list[Line]) -> list[Result]:
        """What becomes of lines on one route: together, else by halves, else each by itself."""
        route = lines[0].route
        if len(lines) == 1 or route is None or route.name in self.alone:
            return [await self.one(tx, line) for line in lines]
        results = await self.together(tx, lines, route)
        if results is not None:
            return results
        half = len(lines) // 2
        return await self.results(tx, lines[:half]) + await self.results(tx, lines[half:])

    async def together(self, tx: Db, lines: list[Line], route: Route) -> list[Result] | None:
        """All of them at once, or None when that cannot be."""
        gathering = Gathering(tx)
        try:
            async with tx.savepoint():
                results = await gathering.all([line.answer for line in lines])
        except Alone:
            if not gathering.held:
                self.alone.add(route.name)
            return None
        except Problem as problem:
            raise_whole(problem)
            return None
        finally:
            self.go_on()
        return list(zip(lines, results, strict=True))

    async def one(self, tx: Db, line: Line) -> Result:
        """A line by itself; what it did is taken back when it is refused."""
        assert tx.held is not None
        try:
            async with tx.savepoint():
                return line, await line.answer(tx.bound(tx.held))
        except Problem as problem:
            raise_whole(problem)
            return line, problem
        finally:
            self.go_on()

    def tell(self, results: list[Result]) -> None:
        """Keep what is to be answered. Raises TooLarge when that grows without bound."""
        for line, result in results:
            self.changed_users += line.changed_users
            if isinstance(result, Problem):
                self.failed.append((line.number, result))
            told = line.told(result)
            self.size += len(told)
            self.told.append(told)
        most = (self.request.app.settings.bulk_mb << 20) * ANSWER_TIMES
        if self.size > most:
            raise TooLarge(
                f"The answer has more than {most} bytes; send fewer lines, or Prefer: return=minimal."
            )

    def go_on(self) -> None:
        """The request may take long, as long as it goes on."""
        if self.request.deadline is not None:
            self.request.app.deadlines.extend(self.request.deadline)


def raise_whole(problem: Problem) -> None:
    """Raise what is not about a line but about the whole request."""
    if isinstance(problem, Retry | SessionChanged) or problem.status >= 500:
        raise problem
