"""Overload: the part of the peak that is still answered in time at three times saturation, how soon
the rest is refused, and good sign-ins in a flood of bad ones. Writes bench/OVERLOAD.md.

Run it from the repository's root: python -m bench.overload [--seconds 6]
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvloop

from bench import processes
from bench.load import percentile

sys.path.insert(0, "tests")  # servers of the tests

from support.kill import sign_in
from support.server import PASSWORD, Server

ADMIN = {"admin_email": "root@example.com", "admin_password": PASSWORD}
SOURCE = Path(__file__).parent / "flood.c"
OUTPUT = Path("bench/OVERLOAD.md")
ROWS = 2_000
TIMES = 3
IN_TIME = 1.0  # seconds within which an answer is of use
CONNECTIONS_AT_MOST = 900
CLOSED_LOOP = 16  # connections that find the peak
SETTLE_SECONDS = 10.0
FLOOD, GOOD, PATIENCE = 40, 20, 5.0

Kind = list[bytes]  # requests of which each is as likely as the others


@dataclass
class Tally:
    """Answers of a run: the good ones by their seconds since the request was due, the refusals by
    those since it was sent.
    """

    sent: int
    unsent: int  # due, and no connection was free
    cpu: float  # seconds that the generator worked
    good: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    other: dict[int, int] = field(default_factory=dict)

    def answer(self, status: int, due: float, sent: float) -> None:
        if status == 200:
            self.good.append(due)
        elif status in (429, 503):
            self.refused.append(sent)  # what the generator was late by is none of the refusal
        else:
            self.other[status] = self.other.get(status, 0) + 1

    @property
    def in_time(self) -> int:
        return sum(seconds <= IN_TIME for seconds in self.good)


class Generator:
    """The program flood.c, compiled into a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "flood"
        command = ["cc", "-O2", "-D_GNU_SOURCE", "-o", str(self.program), str(SOURCE)]
        try:
            subprocess.run(command, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(f"The load generator needs a C compiler, `cc`: {error}") from error

    async def run(
        self, port: int, kind: Kind, rate: float, seconds: float, connections: int
    ) -> Tally:
        """Requests that are due at a rate; with 0 each connection asks as soon as it is answered."""
        extent = [str(port), str(connections), f"{rate:.3f}", f"{seconds:g}"]
        running = await asyncio.create_subprocess_exec(
            self.program, *extent, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        printed, _ = await running.communicate(b"".join(each + b"%%\n" for each in kind))
        if running.returncode:
            raise SystemExit(f"The load generator ended with {running.returncode}.")
        first, *lines = printed.decode().splitlines()
        sent, unsent, cpu = first.split()
        tally = Tally(int(sent), int(unsent), float(cpu))
        for line in lines:
            status, *microseconds = (int(word) for word in line.split())
            tally.answer(status, *(each / 1e6 for each in microseconds))
        return tally


def request(cookie: str, method: str, path: str, accept: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Cookie: {cookie}", f"Accept: {accept}"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def kinds(cookie: str, ids: list[int]) -> dict[str, Kind]:
    def read(path: str, accept: str = "application/json") -> bytes:
        return request(cookie, "GET", path, accept)

    body = json.dumps({"name": "Overload", "type": "other"}).encode()
    ones = [read(f"/api/organizations/{id}") for id in ids[:200]]
    creates = [request(cookie, "POST", "/api/organizations", "application/json", body)]
    listed = [read("/api/organizations?limit=50")]
    pages = [read("/organizations", "text/html")]
    mix = ones[:80] + listed * 10 + creates * 5 + pages * 5
    return {"pages": pages, "lists": listed, "point reads": ones, "creates": creates, "mix": mix}


def memory(pid: int) -> float:
    """The resident memory of a process in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


async def overload(
    server: Server, generator: Generator, seconds: float, only: list[str] | None
) -> list[str]:
    """Rows of the table: each kind at its peak, and at three times of it."""
    cookie = await asyncio.to_thread(sign_in, server)
    ids = await asyncio.to_thread(fill, server, cookie)
    rows = []
    for name, kind in kinds(cookie, ids).items():
        if only and name not in only:
            continue
        await generator.run(server.port, kind, 0, 1, CLOSED_LOOP)  # warms up
        closed = await generator.run(server.port, kind, 0, seconds / 2, CLOSED_LOOP)
        peak = len(closed.good) / (seconds / 2)
        if not peak:
            rows.append(f"| {name} | not measured: nothing was answered | | | | | | | |")
            continue
        before, worked = memory(server.process.pid), own_cpu(server)
        running = asyncio.create_task(
            generator.run(server.port, kind, peak * TIMES, seconds, CONNECTIONS_AT_MOST)
        )
        most = before
        while not running.done():
            most = max(most, memory(server.process.pid))
            await asyncio.sleep(0.1)
        tally = await running
        goodput = tally.in_time / seconds
        offered = tally.sent / seconds / peak
        p99 = percentile(sorted(tally.refused), 0.99) * 1000
        busy = f"{(own_cpu(server) - worked) / seconds:.0%}, {tally.cpu / seconds:.0%}"
        rows.append(
            f"| {name} | {peak:,.0f} | {offered:.1f} times | {goodput:,.0f} ({goodput / peak:.0%}) | "
            f"{len(tally.refused):,}, p99 {p99:,.0f} ms | {before:.0f} → {most:.0f} MiB | "
            f"{busy} | {tally.unsent:,} | {tally.other or 'none'} |"
        )
        print(rows[-1], flush=True)
        await settle(server)
    return rows


def own_cpu(server: Server) -> float:
    """Seconds that the server's process has worked, without the database's."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:13]) / processes.TICKS_PER_SECOND


async def settle(server: Server) -> None:
    """Wait until what the last load left behind is done: at most SETTLE_SECONDS."""
    end = time.monotonic() + SETTLE_SECONDS
    async with httpx.AsyncClient(base_url=server.url, timeout=SETTLE_SECONDS) as client:
        quick = 0
        while quick < 10 and time.monotonic() < end:
            began = time.perf_counter()
            await client.get("/healthz")
            quick = quick + 1 if time.perf_counter() - began < 0.05 else 0
            await asyncio.sleep(0.05)


def fill(server: Server, cookie: str) -> list[int]:
    line = json.dumps(
        {"method": "POST", "path": "/organizations", "body": {"name": "Row", "type": "other"}}
    )
    headers = {"Cookie": cookie, "Content-Type": "application/x-ndjson"}
    with httpx.Client(base_url=server.url, timeout=60, headers=headers) as client:
        client.post("/api/bulk", content=f"{line}\n" * ROWS).raise_for_status()
        rows = client.get("/api/organizations?fields=id&limit=200").json()
    return [row["id"] for row in rows]


async def flood(server: Server, seconds: float) -> list[str]:
    """Rows of the table of sign-ins: 40 connections with random names and addresses, and meanwhile
    20 right ones, and reads.
    """
    dice, statuses = random.Random(7), dict[int, int]()
    cookie = {"Cookie": await asyncio.to_thread(sign_in, server)}
    end = time.monotonic() + seconds
    reads: list[float] = []

    def address() -> dict[str, str]:
        return {"X-Forwarded-For": ".".join(str(dice.randint(1, 250)) for _ in range(4))}

    async def attack(client: httpx.AsyncClient) -> None:
        while time.monotonic() < end:
            wrong = {"username": f"{dice.random()}@x.example", "password": "not the right one"}
            answer = await client.post("/api/login", json=wrong, headers=address())
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1

    async def read(client: httpx.AsyncClient) -> None:
        while time.monotonic() < end:
            began = time.perf_counter()
            (await client.get("/api/user", headers=cookie)).raise_for_status()
            reads.append(time.perf_counter() - began)
            await asyncio.sleep(0.1)

    async def good(client: httpx.AsyncClient, after: float) -> tuple[int, float]:
        await asyncio.sleep(after)
        began = time.perf_counter()
        right = {"username": ADMIN["admin_email"], "password": PASSWORD}
        answer = await client.post("/api/login", json=right, headers=address())
        return answer.status_code, time.perf_counter() - began

    limits = httpx.Limits(max_connections=None)
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=30, limits=limits) as bad_client,
        httpx.AsyncClient(base_url=server.url, timeout=30, limits=limits) as client,
    ):
        others = [asyncio.create_task(attack(bad_client)) for _ in range(FLOOD)]
        others.append(asyncio.create_task(read(client)))
        spread = (seconds - 2) / GOOD
        signed = await asyncio.gather(*(good(client, 1 + spread * n) for n in range(GOOD)))
        await asyncio.gather(*others)
    right = sum(status == 200 and took <= PATIENCE for status, took in signed)
    slowest = max(took for _, took in signed)
    reads.sort()
    return [
        f"| good sign-ins answered 200 within {PATIENCE:.0f} s | 18 of {GOOD} | {right}; the slowest"
        f" answer took {slowest:.2f} s |",
        f"| bad ones meanwhile, by status | | {dict(sorted(statuses.items()))} |",
        f"| reads meanwhile, p50 and p99 | 20 to 80 ms | {percentile(reads, 0.5) * 1000:.0f} and"
        f" {percentile(reads, 0.99) * 1000:.0f} ms |",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8, help="of each overload")
    parser.add_argument(
        "--only", action="append", help="a kind, for a glance: nothing is written then"
    )
    given = parser.parse_args()
    seconds = given.seconds
    load = os.getloadavg()[0]
    server = Server(**ADMIN, trusted_proxies="127.0.0.1")
    cores = os.sched_getaffinity(0)
    try:
        if len(cores) > 1:
            first, *others = sorted(cores)
            os.sched_setaffinity(server.process.pid, {first})
            os.sched_setaffinity(0, others)
        with tempfile.TemporaryDirectory() as folder:
            rows = uvloop.run(overload(server, Generator(Path(folder)), seconds, given.only))
        os.sched_setaffinity(server.process.pid, cores)
        os.sched_setaffinity(0, cores)
        if given.only:
            return
        signing = asyncio.run(flood(server, seconds * 2))
    finally:
        server.stop()
    for line in signing:
        print(line)
    OUTPUT.write_text(
        "\n".join(
            [
                "# Overload",
                "",
                f"`python -m bench.overload --seconds {seconds:g}`, load average {load:.1f} before it, on"
                f" {len(cores)} cores. For the overload the server's process had one of them, the"
                " load generator the others, the database all.",
                "",
                f"Each kind first in a closed loop of {CLOSED_LOOP} connections (its peak), then {TIMES} times"
                f" the peak in an open loop of {CONNECTIONS_AT_MOST}. In time is within"
                f" {IN_TIME:.0f} s of the moment when a request was due; a refusal's time is that since"
                " it was sent. Wanted: at least 80 % of"
                " the peak in time, refusals within 200 ms (p99), memory within 10 %. Where less"
                " than three times the peak was offered, all connections waited for answers, and the"
                " row shows less than it says. Busy: processor time of the server's process and of"
                " the load generator (flood.c), each of one core.",
                "",
                "| kind | peak/s | offered | in time/s | refused | memory | busy | never sent | other |",
                "|---|---|---|---|---|---|---|---|---|",
                *rows,
                "",
                f"{FLOOD} connections sign in with wrong names, each time from another network.",
                "",
                "| what | wanted | measured |",
                "|---|---|---|",
                *signing,
                "",
            ]
        )
    )


if __name__ == "__main__":
    main()
