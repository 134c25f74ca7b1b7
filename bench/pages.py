"""`python -m bench.pages`: what pages cost at 500,000 organizations beside 10,000, from the server
and in Chromium.

The two installations are those of `bench.million`, with tasks, contacts and views besides. Each
page is asked of both in turn, one request at a time, in gzip as browsers do; beside the time to the
answer stands what the server's process and PostgreSQL worked for it, which a busy machine hardly
changes. What a person waits for is measured in Chromium (bench/browser.py). Written to
bench/PAGES.md.
"""

import argparse
import asyncio
import contextlib
import datetime as dt
import http.client
import json
import os
import platform
import re
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import asyncpg

from bench import browser, million, processes, system
from bench.million import LARGE, SMALL, TENANTS, World, p, workspace

RESULTS = Path(__file__).parent / "PAGES.md"
HTMX = {"HX-Request": "true"}
TYPED = ("logistics", "xanvor")  # a word of an eighth of all names, and one of few


class Asked(NamedTuple):
    """A page as a browser asks for it; in its path {id} is an organization, {owner} its owner,
    {more} the next rows.
    """

    name: str
    path: str
    headers: dict[str, str]


def whole(name: str, path: str) -> Asked:
    return Asked(name, path, {})


def part(name: str, path: str, target: str = "main#main") -> Asked:
    """A request as htmx makes it."""
    return Asked(name, path, HTMX | {"HX-Target": target})


def pages() -> list[Asked]:
    prefixes = list(dict.fromkeys(word[: n + 1] for word in TYPED for n in range(len(word))))
    return [
        whole("list, whole page", "/organizations"),
        part("list, what htmx asks for", "/organizations"),
        part("load more", "{more}", "tbody#more"),
        *(part(f"typed: {q}", f"/organizations?q={quote(q)}") for q in prefixes),
        part("type: partner", "/organizations?type:in=partner"),
        part("type and status", "/organizations?type:in=partner,vendor&status:in=inactive"),
        part("owner", "/organizations?ownerId={owner}"),
        part("has projects", "/organizations?hasProjects=true"),
        part("tag", "/organizations?tags=tag%200"),
        part("sort: updated, newest", "/organizations?sort=-updatedAt"),
        part("sort: industry", "/organizations?sort=industry"),
        whole("one organization", "/organizations/{id}"),
        part("one organization, what htmx asks for", "/organizations/{id}"),
        part("its tasks", "/organizations/{id}/tasks"),
        whole("my tasks", "/tasks"),
        part("all open tasks", "/tasks?status:not=completed&sort=dueDate"),
        part("contacts", "/contacts"),
        part("projects", "/projects"),
        whole("search, page", "/search?q=logistics"),
        part("palette: log", "/search?q=log", "div#results"),
        part("palette: xanvor", "/search?q=xanvor", "div#results"),
    ]


class Cost(NamedTuple):
    """Cost of one request: milliseconds to the answer, microseconds of the server and of PostgreSQL,
    bytes as sent.
    """

    ms: float
    server: float
    postgres: float
    bytes: int


class Found(NamedTuple):
    name: str
    small: list[Cost]
    large: list[Cost]


class Meter:
    """CPU time of a world's processes, in microseconds."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder
        self.find_processes()

    def find_processes(self) -> None:
        """Find them anew: PostgreSQL starts a process for each connection."""
        world, folder = self.world, self.folder
        database = set(processes.naming(str(folder / "postgres"))) or set(
            processes.naming(str(folder))
        )
        self.postgres = sorted(database - {world.pid})
        self.server = [pid for pid in processes.tree(world.pid) if pid not in self.postgres]

    def read(self) -> tuple[float, float]:
        return _worked(self.server), _worked(self.postgres)


def _worked(pids: list[int]) -> float:
    nanoseconds = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                nanoseconds += int((thread / "schedstat").read_text().split()[0])
    return nanoseconds / 1000


def main() -> None:
    given = parser().parse_args()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(workspace(given.keep))
        worlds = [
            stack.enter_context(million.installation(folder / name, size, tenants))
            for name, size, tenants in (("small", SMALL, 0), ("large", LARGE, TENANTS))
        ]
        for world in worlds:
            asyncio.run(add_other_records(world))
        meters = [
            Meter(world, folder / name)
            for world, name in zip(worlds, ("small", "large"), strict=True)
        ]
        chosen = [asked for asked in pages() if re.search(given.only, asked.name)]
        found = [ask(asked, worlds, meters, given.times) for asked in chosen]
        seen = (
            []
            if given.no_browser
            else browser.measure(dict(zip((SMALL, LARGE), worlds, strict=True)), given.rounds)
        )
    text = report(found, seen, given.times)
    if given.only == ".":
        RESULTS.write_text(text)
    print(text)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.pages", description="Pages at 500,000 organizations."
    )
    parser.add_argument(
        "--times", type=int, default=60, help="how often each page is asked for (default 60)"
    )
    parser.add_argument(
        "--rounds", type=int, default=7, help="how often each is done in the browser (default 7)"
    )
    parser.add_argument(
        "--keep", type=Path, help="a folder for the data, used again when it is there"
    )
    parser.add_argument(
        "--only", default=".", help="pages whose name has this pattern; then nothing is written"
    )
    parser.add_argument("--no-browser", action="store_true", help="only what the server does")
    return parser


async def add_other_records(world: World) -> None:
    """Add the other records that pages show, unless they are there."""
    connection = await asyncpg.connect(world.url)
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM tasks)"):
        tables = ("tasks", "contacts", "members", "views")
        for table in tables:
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for searched in ("tasks", "contacts"):
            await connection.execute(f"ALTER TABLE {searched} ENABLE TRIGGER words")
        await connection.execute(OTHER_RECORDS.replace(":tenant", str(world.tenant)))
        for table in tables:
            await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        await connection.execute("VACUUM ANALYZE")
    await connection.close()


# Half the tasks hang on a project alone. The first user, who looks at the pages, has two hundred.
OTHER_RECORDS = """
INSERT INTO tasks (tenant_id, title, organization_id, project_id, assignee_id, status, priority, due_date)
    SELECT :tenant, 'Task ' || p.id || ' of ' || n, CASE WHEN n = 1 THEN p.organization_id END, p.id,
        CASE WHEN row_number() OVER () <= 200 THEN (SELECT min(id) FROM users WHERE tenant_id = :tenant)
            ELSE (SELECT max(id) FROM users WHERE tenant_id = :tenant) - p.id % 20 END,
        (ARRAY['todo', 'todo', 'in_progress', 'completed'])[1 + p.id % 4], 'medium',
        current_date + (p.id % 200)::int - 50
    FROM projects p, generate_series(1, 2) n WHERE p.tenant_id = :tenant;
INSERT INTO contacts (tenant_id, full_name, email, type)
    SELECT :tenant, 'Person ' || o.id, 'person' || o.id || '@c' || o.id || '.example.com', 'client'
    FROM organizations o WHERE o.tenant_id = :tenant AND o.id % 2 = 0;
INSERT INTO members (tenant_id, organization_id, contact_id, role)
    SELECT :tenant, substr(c.full_name, 8)::bigint, c.id, 'primary_contact'
    FROM contacts c WHERE c.tenant_id = :tenant AND c.full_name LIKE 'Person %';
INSERT INTO views (tenant_id, noun, name, query, is_shared, owner_id)
    SELECT :tenant, 'organizations', 'View ' || n, 'type=partner&sort=-updatedAt', true,
        (SELECT min(id) FROM users WHERE tenant_id = :tenant)
    FROM generate_series(1, 6) n;
"""


def ask(asked: Asked, worlds: list[World], meters: list[Meter], times: int) -> Found:
    connections = [
        http.client.HTTPConnection("127.0.0.1", world.port, timeout=60) for world in worlds
    ]
    paths = [
        filled(asked.path, world, each) for world, each in zip(worlds, connections, strict=True)
    ]
    taken: list[list[Cost]] = [[] for _ in worlds]
    for turn in range(times + 5):
        for n, world in enumerate(worlds):
            if turn == 4:
                meters[n].find_processes()
            taken[n].append(cost(connections[n], paths[n], world, asked.headers, meters[n]))
    for connection in connections:
        connection.close()
    return Found(asked.name, taken[0][5:], taken[1][5:])


def cost(
    connection: http.client.HTTPConnection,
    path: str,
    world: World,
    headers: dict[str, str],
    meter: Meter,
) -> Cost:
    server, postgres = meter.read()
    began = time.perf_counter()
    body = get(connection, path, world, headers)
    taken = (time.perf_counter() - began) * 1000
    after = meter.read()
    return Cost(taken, after[0] - server, after[1] - postgres, len(body))


def get(
    connection: http.client.HTTPConnection, path: str, world: World, headers: dict[str, str]
) -> bytes:
    sent = {"Cookie": world.cookie, "Accept": "text/html", "Accept-Encoding": "gzip"} | headers
    connection.request("GET", path, headers=sent)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"bench: {path} answers {answer.status}: {body[:400]!r}")
    return body


def filled(path: str, world: World, connection: http.client.HTTPConnection) -> str:
    """The path with what is this world's."""
    if "{more}" in path:
        page = world.get(connection, "/organizations", "text/html")[0].decode()
        found = re.search(r'href="([^"]+)"[^>]*data-more', page)
        assert found is not None
        return found[1].replace("&amp;", "&")
    if "{" in path:
        row = json.loads(world.get(connection, "/api/organizations?limit=1&hasProjects=true")[0])[0]
        return path.replace("{id}", str(row["id"])).replace("{owner}", str(row["ownerId"]))
    return path


def report(found: list[Found], seen: list[str], times: int) -> str:
    columns = (
        "page", "kB", "10,000: best ms", "p50", "p99", "server µs", "PostgreSQL µs", "500,000: best ms", "p50", "p99",
        "server µs", "PostgreSQL µs", "ratio of best",
    )  # fmt: skip
    head = f"| {' | '.join(columns)} |\n|---{'|--:' * (len(columns) - 1)}|"
    over = [
        f"{one.name} ({middle(one.large, 0):.0f} ms)" for one in found if middle(one.large, 0) > 15
    ]
    return "\n".join([
        "# Pages at 500,000 organizations", "", f"Made by `python -m bench.pages`: {facts()}.", "",
        f"Each page {times} times, of both in turn, one request at a time over loopback. CPU is the median of one "
        "request; others on the machine disturbed the best time least.", "", head, *(line(one) for one in found), "",
        "Above 15 ms at 500,000 (p50): " + (", ".join(over) or "none") + ".", "", *seen, "",
    ])  # fmt: skip


def facts() -> str:
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return (
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M UTC}, {system.processor()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release()}, PostgreSQL embedded, load of the machine at the end {load}"
    )


def line(found: Found) -> str:
    cells = [f"{found.large[0].bytes / 1000:.1f}"]
    for costs in (found.small, found.large):
        cells += [
            f"{best(costs):.1f}",
            f"{middle(costs, 0):.1f}",
            f"{p([cost.ms for cost in costs], 99):.1f}",
        ]
        cells += [f"{middle(costs, 1):,.0f}", f"{middle(costs, 2):,.0f}"]
    return f"| {found.name} | {' | '.join(cells)} | {best(found.large) / best(found.small):.2f} |"


def best(costs: list[Cost]) -> float:
    """The quickest, which others on the machine disturbed least."""
    return min(cost.ms for cost in costs)


def middle(costs: list[Cost], column: int) -> float:
    return p([float(cost[column]) for cost in costs], 50)


if __name__ == "__main__":
    main()
