"""Large operations under default settings: what they take, and what others feel meanwhile. Each is
done at two sizes, to see how its cost grows. Prints a table.

Run it from the repository's root: python -m bench.deletions [--rows 50000] [--busy 4] [--only tree]
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx

from bench import processes

sys.path.insert(0, "tests")  # servers and connections of the tests

from support.kill import sign_in
from support.server import PASSWORD, Server
from support.sql import Sql

ADMIN = {"admin_email": "root@example.com", "admin_password": PASSWORD}
NDJSON = {"Content-Type": "application/x-ndjson"}
OTHERS = 85_000  # tasks of an organization that nobody touches
PATIENCE = 600.0
READ = """SELECT coalesce(sum(seq_tup_read), 0)::bigint AS scanned,
    coalesce(sum(idx_tup_fetch), 0)::bigint AS fetched
    FROM pg_stat_user_tables WHERE schemaname = 'public'"""
ACTING = "acting_as(NULL, 'command', 'command', NULL, 'bench')"


class Cost(NamedTuple):
    """The cost of one request: seconds of processors (of the server and of PostgreSQL), rows that
    PostgreSQL read by scanning tables and by indexes.
    """

    status: int
    seconds: float
    server: float
    postgres: float
    scanned: int
    fetched: int
    slowest_read: float  # the longest wait for a point read beside it


class World:
    """A server of its own with other people's rows, its administrator, the owner's connection."""

    def __init__(self) -> None:
        self.server = Server(**ADMIN)
        self.cookie = {"Cookie": sign_in(self.server)}
        self.client = httpx.Client(
            base_url=self.server.url, headers=self.cookie, timeout=PATIENCE, trust_env=False
        )
        self.sql = Sql(self.server.database_url)
        self.sql.run(self.sql.connection.execute("SET statement_timeout = 0"))
        self.tenant = self.sql.value("SELECT min(id) FROM tenants")
        self.sql.rows("SELECT set_config('retainer.tenant', $1, false)", str(self.tenant))
        home = self.made("organizations", name="Others", type="other")
        self.fill("tasks (tenant_id, title, organization_id)", "'Other ' || n", OTHERS, home)

    def made(self, noun: str, **body: Any) -> int:
        answer = self.client.post(f"/api/{noun}", json=body)
        answer.raise_for_status()
        return int(answer.json()["id"])

    def fill(self, into: str, values: str, rows: int, below: int) -> None:
        """Insert rows as the command line does; `values` may use n, the last column is `below`."""
        for start in range(0, rows, 10_000):
            many = min(10_000, rows - start)
            self.sql.rows(
                f"""INSERT INTO {into} SELECT $1, {values}, $2
                    FROM generate_series(1, $3) n, {ACTING}""",
                self.tenant, below, many,
            )  # fmt: skip

    def last(self) -> int:
        return int(self.client.get("/api/operations?limit=1").json()[0]["id"])

    def undo(self) -> httpx.Response:
        return self.client.post(f"/api/operations/{self.last()}/undo")

    def cpu(self) -> tuple[float, float]:
        """Seconds of processors so far, of the server's own process and of all below it."""
        whole = processes.cpu_seconds(self.server.process.pid)
        postgres = self.server.folder / "postgres" / "postmaster.pid"
        below = processes.cpu_seconds(int(postgres.read_text().split()[0]))
        return whole - below, below

    def measured(self, act: Callable[[], httpx.Response]) -> Cost:
        """The cost of a request, with a point read after another beside it."""
        before, read = self.cpu(), self.sql.rows(READ)[0]
        with beside(self) as waits:
            began = time.monotonic()
            answer = act()
            seconds = time.monotonic() - began
        time.sleep(1.5)  # PostgreSQL counts what a connection has read within a second
        after, now = self.cpu(), self.sql.rows(READ)[0]
        if answer.status_code >= 300:
            print(answer.status_code, answer.text[:400], file=sys.stderr)
        return Cost(
            answer.status_code,
            seconds,
            after[0] - before[0],
            after[1] - before[1],
            now["scanned"] - read["scanned"],
            now["fetched"] - read["fetched"],
            max(waits, default=0),
        )

    def stop(self) -> None:
        self.client.close()
        self.sql.close()
        self.server.stop()


@contextlib.contextmanager
def beside(world: World) -> Iterator[list[float]]:
    """Reads one record ten times a second, and keeps how long each took."""
    waits: list[float] = []
    is_over = threading.Event()

    def read() -> None:
        with httpx.Client(
            base_url=world.server.url, headers=world.cookie, timeout=PATIENCE, trust_env=False
        ) as client:
            while not is_over.wait(0.1):
                began = time.monotonic()
                client.get("/api/user")
                client.get("/api/organizations?limit=1")
                waits.append(time.monotonic() - began)

    reading = threading.Thread(target=read)
    reading.start()
    try:
        yield waits
    finally:
        is_over.set()
        reading.join()


@contextlib.contextmanager
def busy(programs: int) -> Iterator[None]:
    """Programs that take all of a processor each."""
    burning = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(programs)
    ]
    try:
        yield
    finally:
        for each in burning:
            each.kill()
            each.wait()


Act = tuple[str, Callable[[], httpx.Response]]


def tree(world: World, rows: int) -> Iterator[Act]:
    """An organization with a project, and tasks on both."""
    home = world.made("organizations", name="Large", type="other")
    project = world.made("projects", title="P", organizationId=home)
    for column, id in (("organization_id", home), ("project_id", project)):
        world.fill(f"tasks (tenant_id, title, {column})", "'T' || n", rows // 2, id)
    yield (
        "deletion of an organization with tasks",
        lambda: world.client.delete(f"/api/organizations/{home}"),
    )
    yield "its undo", world.undo
    yield "its redo", world.undo
    yield (
        "its restoration by the trash",
        lambda: world.client.post(
            f"/api/operations/{world.last()}/undo?record=organizations/{home}"
        ),
    )


def children(world: World, rows: int) -> Iterator[Act]:
    """An organization with others directly below it."""
    top = world.made("organizations", name="Top", type="other")
    world.fill(
        "organizations (tenant_id, name, type, parent_id)", "'Child ' || n, 'other'", rows, top
    )
    yield (
        "deletion of an organization with others below it",
        lambda: world.client.delete(f"/api/organizations/{top}"),
    )
    yield "its undo", world.undo
    yield "its redo", world.undo
    yield "its redo's undo", world.undo


def bulk(world: World, rows: int) -> Iterator[Act]:
    """Creates with a domain each, changes and deletions, as one bulk write each."""
    ids: list[int] = []

    def lines(each: list[dict[str, Any]]) -> httpx.Response:
        return world.client.post(
            "/api/bulk", content="\n".join(map(json.dumps, each)), headers=NDJSON
        )

    def create() -> httpx.Response:
        answer = lines(
            [
                {
                    "method": "POST",
                    "path": "/organizations",
                    "body": {
                        "name": f"Bulk {rows} {n}",
                        "type": "other",
                        "domains": [f"b{rows}-{n}.example"],
                    },
                }
                for n in range(rows)
            ]
        )
        ids[:] = [json.loads(line)["body"]["id"] for line in answer.text.splitlines()]
        return answer

    def change() -> httpx.Response:
        paths = [f"/organizations/{id}" for id in ids]
        return lines([{"method": "PUT", "path": p, "body": {"industry": "X"}} for p in paths])

    def delete() -> httpx.Response:
        return lines([{"method": "DELETE", "path": f"/organizations/{id}"} for id in ids])

    for name, act in (("creates", create), ("changes", change), ("deletions", delete)):
        yield f"bulk of {name}", act
        yield f"undo of the {name}", world.undo
        yield f"redo of the {name}", world.undo


KINDS: dict[str, tuple[Callable[[World, int], Iterator[Act]], int]] = {
    "tree": (tree, 50_000),
    "children": (children, 10_000),
    "bulk": (bulk, 10_000),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=KINDS, action="append")
    parser.add_argument("--busy", type=int, default=0, help="programs that take a processor each")
    parser.add_argument("--part", type=float, default=1.0, help="part of the usual size")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, {options.busy} beside\n")
    print("| what | rows | status | s | µs a row: server | PostgreSQL | rows scanned a row", end="")
    print(" | by index | slowest read beside it, s |\n|---|---|---|---|---|---|---|---|---|")
    with busy(options.busy):
        for name in options.only or KINDS:
            make, rows = KINDS[name]
            world = World()
            try:
                for size in (int(rows * options.part) // 2, int(rows * options.part)):
                    for what, act in make(world, size):
                        say(what, size, world.measured(act))
            finally:
                world.stop()


def say(what: str, rows: int, cost: Cost) -> None:
    server, postgres = cost.server / rows * 1e6, cost.postgres / rows * 1e6
    print(
        f"| {what} | {rows:,} | {cost.status} | {cost.seconds:.1f} | {server:.0f} | {postgres:.0f} "
        f"| {cost.scanned / rows:.1f} | {cost.fetched / rows:.1f} | {cost.slowest_read:.2f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
