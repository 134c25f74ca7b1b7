"""POST /bulk: many writes in one transaction, which is one operation of the journal
(docs/decisions/0009).

Each line is a request of its own, checked and handled as if it came alone. Consecutive lines of one
route run as a pipeline, so that their changes can be sent as one; where that fails, the lines are
split in halves, again and again, until each failing line is known.
"""

import asyncio

from starlette.responses import Response

from retainer.database.database import Db
from retainer.database.parts import plan_by_indexes
from retainer.database.refusals import Retry, SessionChanged
from retainer.errors import MOST_TOLD, Forbidden, NotFound, Problem, TooLarge, invalid
from retainer.http.bulk.lines import Line, LinesRefused
from retainer.http.bulk.pipeline import AT_A_STRETCH, CannotPipeline, Pipeline
from retainer.http.request import Request
from retainer.http.routing import Route
from retainer.http.safe_writes.prefer import APPLIED
from retainer.http.shares.holder import holder_of

MAX_LINES = 10_000
# Longer than ten thousand wrong lines take: one who sends these all the time keeps nobody out.
WAIT_SECONDS = 5.0
LINES_AT_ONCE = 500  # lines that are read and run at once
MAX_GROWTH = 4  # the response may be this many times as long as the longest body

Result = tuple[Line, Response | Problem]


async def create(request: Request) -> Response:
    lines = split(request.data)
    is_lenient = request.prefer.get("handling") == "lenient"
    run = Run(request, is_lenient=is_lenient)
    bulks, holder = request.app.shares.bulks, holder_of(request.viewer)
    async with bulks.place(holder, WAIT_SECONDS), request.db.transaction() as tx:
        await plan_by_indexes(tx)
        for start in range(0, len(lines), LINES_AT_ONCE):
            part = lines[start : start + LINES_AT_ONCE]
            made = await read(request, part)
            for line in made:
                line.is_followed = line.number != lines[-1][0]
            await run.lines(tx, made)
        if run.was_forbidden:
            await request.record_refusal()
        if run.failed and not is_lenient:
            raise LinesRefused(run.failed, run.failures, len(lines))
    for user in run.changed_users:
        request.forget(user)
    applied = ["handling=lenient"] if is_lenient else []
    applied += ["return=minimal"] if request.prefer.get("return") == "minimal" else []
    headers = {APPLIED: ", ".join(applied)} if applied else {}
    return Response(
        b"".join(run.encoded_results), headers=headers, media_type="application/x-ndjson"
    )


async def read(request: Request, lines: list[tuple[int, bytes]]) -> list[Line]:
    """The lines as requests. Lets others be served in between: each takes a while."""
    found: list[Line] = []
    for start in range(0, len(lines), AT_A_STRETCH):
        found += [Line(request, *line) for line in lines[start : start + AT_A_STRETCH]]
        await asyncio.sleep(0)
    return found


def split(body: bytes) -> list[tuple[int, bytes]]:
    """Lines that are not empty, with their numbers. Raises Problem for none and for too many."""
    if body.count(b"\n") > MAX_LINES * 2:  # before millions of empty ones are looked at
        raise TooLarge(f"The body has too many lines; at most {MAX_LINES} are accepted.")
    lines = [(number, text) for number, text in enumerate(body.split(b"\n"), 1) if text.strip()]
    if not lines:
        raise invalid("body", "has no line; send a write as JSON on each")
    if len(lines) > MAX_LINES:
        raise TooLarge(f"The body has {len(lines)} lines; at most {MAX_LINES} are accepted.")
    return lines


class Run:
    """The results of the lines so far."""

    def __init__(self, request: Request, *, is_lenient: bool) -> None:
        self.request = request
        self.is_lenient = is_lenient
        self.encoded_results: list[bytes] = []
        self.size = 0
        self.failed: list[tuple[int, Problem]] = []  # the first, as many as may be told
        self.failures = 0
        self.was_forbidden = False
        self.changed_users: list[int] = []
        self.unpipelined: set[str] = set()  # names of routes whose handlers make several changes

    async def lines(self, tx: Db, lines: list[Line]) -> None:
        """Run some lines, consecutive ones of one route together."""
        start = 0
        for end in range(1, len(lines) + 1):
            if end == len(lines) or lines[end].route is not lines[start].route:
                await self.add(await self.results(tx, lines[start:end]))
                start = end

    async def results(self, tx: Db, lines: list[Line]) -> list[Result]:
        """The results of lines of one route: as a pipeline, else by halves, else one by one."""
        route = lines[0].route
        if route is None:  # none of them is a write: nothing is sent for them
            return [(line, line.refusal or NotFound()) for line in lines]
        if len(lines) == 1 or route.name in self.unpipelined:
            return [await self.one(tx, line) for line in lines]
        results = await self.pipelined(tx, lines, route)
        if results is not None:
            return results
        half = len(lines) // 2
        return await self.results(tx, lines[:half]) + await self.results(tx, lines[half:])

    async def pipelined(self, tx: Db, lines: list[Line], route: Route) -> list[Result] | None:
        """The results of all lines as one pipeline, or None where they need another way."""
        pipeline = Pipeline(tx)
        try:
            async with tx.savepoint():
                results = await pipeline.run([line.respond for line in lines])
        except CannotPipeline:
            if not pipeline.captured:
                self.unpipelined.add(route.name)
            return None
        except Problem as problem:
            raise_if_whole_request_failed(problem)
            return None
        finally:
            self.request.extend_deadline()
        return list(zip(lines, results, strict=True))

    async def one(self, tx: Db, line: Line) -> Result:
        """A line by itself; its changes are rolled back when it is refused."""
        assert tx.connection is not None
        try:
            async with tx.savepoint():
                return line, await line.respond(tx.bound(tx.connection))
        except Problem as problem:
            raise_if_whole_request_failed(problem)
            return line, problem
        finally:
            self.request.extend_deadline()

    async def add(self, results: list[Result]) -> None:
        """Keep the results to be answered. Raises TooLarge when they grow without bound."""
        for place, (line, result) in enumerate(results):
            self.changed_users += line.changed_users
            if isinstance(result, Problem):
                self._add_failure(line, result)
            if not self.failed or self.is_lenient:
                encoded = line.encode_result(result)
                self.size += len(encoded)
                self.encoded_results.append(encoded)
            if place % AT_A_STRETCH == 0:
                await asyncio.sleep(0)
        most = (self.request.app.settings.bulk_mb << 20) * MAX_GROWTH
        if self.size > most:
            raise TooLarge(
                f"The answer has more than {most} bytes; send fewer lines, "
                "or Prefer: return=minimal."
            )

    def _add_failure(self, line: Line, problem: Problem) -> None:
        problem.__traceback__ = None  # its frames hold the line and all that was made for it
        self.failures += 1
        self.was_forbidden |= isinstance(problem, Forbidden)
        if len(self.failed) <= MOST_TOLD:
            self.failed.append((line.number, problem))


def raise_if_whole_request_failed(problem: Problem) -> None:
    """Raise a problem that concerns the whole request rather than one line."""
    if isinstance(problem, Retry | SessionChanged) or problem.status >= 500:
        raise problem
