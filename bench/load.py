"""The load generator: a keep-alive HTTP/1.1 client at protocol level, as cheap as Python allows.

Runs in a process of its own: `python -m bench.load` reads a Load as JSON from standard input and
writes an Outcome as JSON to standard output. It reads the processor time of the server's and of the
database's process tree at the first and the last instant of its measured window, so that counts and
costs cover the same time.
"""

import asyncio
import itertools
import random
import sys
import time
from array import array
from collections.abc import Iterator
from typing import cast

import msgspec
import uvloop

from bench import processes

SAMPLE_SECONDS = 0.1  # between two looks at the server's memory
FAILURES_AT_MOST = 200
PREPARED = 20_000  # requests drawn before the window opens, then repeated in order


class Part(msgspec.Struct, frozen=True):
    """One kind of request. `path` may hold `{id}`, drawn from `ids` (first, last); `body` one
    `%010d`.
    """

    method: str
    path: str
    cookie: str
    weight: int = 100
    ids: tuple[int, int] = (0, 0)
    body: str = ""
    encoding: str = ""  # for Accept-Encoding
    accept: str = "application/json"


class Lane(msgspec.Struct, frozen=True):
    """Connections that send the same mixture; `pause` seconds between an answer and the next
    request.
    """

    name: str
    connections: int
    parts: list[Part]
    pause: float = 0.0


class Load(msgspec.Struct, frozen=True):
    """Requests to send, their target, and the processes whose CPU time is read; times in seconds."""

    port: int
    seconds: float
    warmup: float
    server_pid: int
    postgres_pid: int
    lanes: list[Lane]


class LaneOutcome(msgspec.Struct):
    """Counts of a lane: latencies in ms; bytes received, and bytes of the last answer, headers
    included.
    """

    requests: int
    errors: int
    first_error: str
    bytes: int
    answer_bytes: int
    p50_ms: float
    p99_ms: float


class Outcome(msgspec.Struct):
    """The window: its length and the processor seconds spent in it, memory of the server in bytes."""

    seconds: float
    server_cpu: float
    postgres_cpu: float
    load_cpu: float
    rss_peak: int
    lanes: dict[str, LaneOutcome]


class Tally:
    """Counters of a lane while the window is open."""

    def __init__(self, lane: Lane, run: "Run") -> None:
        self.lane = lane
        self.run = run
        self.requests = requests(lane.parts)
        self.latencies = array("d")
        self.bytes = 0
        self.answer_bytes = 0
        self.errors = 0
        self.first_error = ""

    def fail(self, what: str) -> None:
        self.errors += 1
        self.first_error = self.first_error or what
        if self.errors > FAILURES_AT_MOST:
            self.run.over = True

    def clear(self) -> None:
        self.latencies = array("d")
        self.bytes = 0

    def outcome(self) -> LaneOutcome:
        ordered = sorted(self.latencies)
        return LaneOutcome(
            requests=len(ordered),
            errors=self.errors,
            first_error=self.first_error,
            bytes=self.bytes,
            answer_bytes=self.answer_bytes,
            p50_ms=percentile(ordered, 0.50) * 1000,
            p99_ms=percentile(ordered, 0.99) * 1000,
        )


class Chunks:
    """Finds the end of a chunked body without keeping it."""

    def __init__(self) -> None:
        self.skip = 0  # bytes to pass over: the rest of a chunk and its line end
        self.line = b""  # a chunk's size line that arrived in part
        self.last = False  # the chunk of size 0 was seen; an empty line ends the body

    def feed(self, data: bytes) -> bool:
        """True when the body ends within `data`."""
        position = 0
        while position < len(data):
            if self.skip:
                step = min(self.skip, len(data) - position)
                self.skip -= step
                position += step
                continue
            end = data.find(b"\n", position)
            if end < 0:
                self.line += data[position:]
                return False
            line, self.line = (self.line + data[position:end]).strip(), b""
            position = end + 1
            if self.take(line):
                return True
        return False

    def take(self, line: bytes) -> bool:
        if self.last:
            return not line
        size = int(line.partition(b";")[0], 16)
        self.last = size == 0
        self.skip = size + 2 if size else 0
        return False


class Connection(asyncio.Protocol):
    """One keep-alive connection: sends, waits for the whole answer, sends again."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.run = tally.run
        self.pause = tally.lane.pause
        self.head = b""
        self.reading = False  # the headers are complete, the body is not
        self.got = 0  # bytes of this answer so far
        self.left = 0  # bytes of body still to come, where the length is known
        self.chunks: Chunks | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.send()

    def send(self) -> None:
        if self.run.over:
            self.transport.close()
            return
        self.got = 0
        self.sent = time.perf_counter()
        self.transport.write(next(self.tally.requests))

    def data_received(self, data: bytes) -> None:
        self.got += len(data)
        self.tally.bytes += len(data)
        if self.reading:
            self.body(data)
            return
        self.head = self.head + data if self.head else data
        end = self.head.find(b"\r\n\r\n")
        if end < 0:
            return
        head, body, self.head = self.head[:end], self.head[end + 4 :], b""
        self.begin(head)
        self.body(body)

    def begin(self, head: bytes) -> None:
        if head[9:12] != b"200":
            self.tally.fail(head[:60].decode("latin-1"))
        lowered = head.lower()
        at = lowered.find(b"\r\ncontent-length:")
        self.reading = True
        self.chunks = Chunks() if at < 0 else None
        self.left = 0 if at < 0 else int(lowered[at + 17 :].partition(b"\r\n")[0])

    def body(self, data: bytes) -> None:
        if self.chunks is None:
            self.left -= len(data)
            if self.left <= 0:
                self.answered()
        elif self.chunks.feed(data):
            self.answered()

    def answered(self) -> None:
        self.reading = False
        self.tally.answer_bytes = self.got
        self.tally.latencies.append(time.perf_counter() - self.sent)
        if self.pause:
            self.run.loop.call_later(self.pause, self.send)
        else:
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.run.over:
            self.tally.fail(f"connection lost: {exc}")
            self.run.loop.create_task(self.run.connect(self.tally))


class Run:
    """One load carried out."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.loop = asyncio.get_running_loop()
        self.over = False
        self.tallies = [Tally(lane, self) for lane in load.lanes]
        self.rss_peak = 0

    async def connect(self, tally: Tally) -> None:
        try:
            await self.loop.create_connection(
                lambda: Connection(tally), "127.0.0.1", self.load.port
            )
        except OSError as error:
            tally.fail(f"cannot connect: {error}")

    async def carry_out(self) -> Outcome:
        for tally in self.tallies:
            for _ in range(tally.lane.connections):
                await self.connect(tally)
        await asyncio.sleep(self.load.warmup)
        for tally in self.tallies:
            tally.clear()
        before, began = self.cpu(), time.perf_counter()
        await self.window(began + self.load.seconds)
        after, ended = self.cpu(), time.perf_counter()
        lanes = {tally.lane.name: tally.outcome() for tally in self.tallies}
        self.over = True
        server, postgres, load = (late - early for early, late in zip(before, after, strict=True))
        return Outcome(ended - began, server, postgres, load, self.rss_peak, lanes)

    async def window(self, end: float) -> None:
        pids = processes.tree(self.load.server_pid)
        while not self.over and (left := end - time.perf_counter()) > 0:
            await asyncio.sleep(min(SAMPLE_SECONDS, left))
            self.rss_peak = max(self.rss_peak, processes.rss_bytes(pids))

    def cpu(self) -> tuple[float, float, float]:
        server = processes.cpu_seconds(self.load.server_pid)
        return server, processes.cpu_seconds(self.load.postgres_pid), time.process_time()


def requests(parts: list[Part]) -> Iterator[bytes]:
    """Endless requests, drawn by weight; creates are numbered, each different."""
    dice = random.Random(7)
    numbers = itertools.count(time.time_ns() // 1000 % 10**9)
    drawn = dice.choices(parts, [part.weight for part in parts], k=PREPARED)
    prepared = [(prepare(part, dice), bool(part.body)) for part in drawn]
    for request, numbered in itertools.cycle(prepared):
        yield request % next(numbers) if numbered else request


def prepare(part: Part, dice: random.Random) -> bytes:
    """The bytes of one request; with a body they still hold its `%010d`."""
    path = part.path.replace("{id}", str(dice.randint(*part.ids)))
    lines = [f"{part.method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Accept: {part.accept}"]
    lines.append(f"Cookie: {part.cookie}")
    if part.encoding:
        lines.append(f"Accept-Encoding: {part.encoding}")
    if not part.body:
        return "\r\n".join([*lines, "", ""]).encode()
    lines += ["Content-Type: application/json", f"Content-Length: {len(part.body % 0)}"]
    head = "\r\n".join([*lines, "", ""]).replace("%", "%%")
    return (head + part.body).encode()


def percentile(ordered: list[float], share: float) -> float:
    """The value below which `share` of an ordered list lies; 0 of an empty one."""
    if not ordered:
        return 0.0
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def main() -> None:
    load = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    outcome = await Run(load).carry_out()
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    uvloop.run(main())
