"""`python -m bench.million`: lists at 1,000,000 organizations beside 10,000, interleaved, on the
embedded PostgreSQL.

Two installations: one with a single tenant of 10,000, one with a tenant of 500,000 and 10,000
tenants that share the other half (the largest about 50,000, most of them a dozen). Each question is
put to both in turn; what is printed is the median and the 99th percentile of the time to the
answer, one request at a time, and the ratio of the medians (the bar: at most 1.5). The plans of the
large one go to bench/plans/organizations.md.
"""

import argparse
import asyncio
import contextlib
import http.client
import json
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg

from bench import contender, postgres, processes, retainer, system
from retainer.database.pool import connect
from retainer.lists.page import PageShape
from retainer.lists.parameters import read
from retainer.records.organizations.store import LIST
from retainer.server.postgres import embedded

RESULTS = Path(__file__).parent / "MILLION.md"
PLANS = Path(__file__).parent / "plans" / "organizations.md"
LARGE, SMALL, TENANTS = 500_000, 10_000, 10_000
PAGE = 50


class World(NamedTuple):
    """A running installation: where it answers, its admin's cookie, its tenant, its processes, its
    database.
    """

    port: int
    cookie: str
    tenant: int
    pid: int
    url: str

    def get(
        self, connection: http.client.HTTPConnection, path: str, accept: str = "*/*"
    ) -> tuple[bytes, str]:
        """The body and the Link header of an answer, which must be a 200."""
        connection.request("GET", path, headers={"Cookie": self.cookie, "Accept": accept})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"bench: {path} answers {answer.status}: {body[:400]!r}")
        return body, answer.getheader("Link") or ""


# name → path; {id} is one of the tenant's, {next} the cursor of a page far behind (the 1,000th, or
# the last but one). Each has an answer of the same size in both worlds: forty rows in each are
# alike (RARE).
QUESTIONS = {
    "one organization": "/api/organizations/{id}",
    "first page": "/api/organizations?limit=50",
    "page 1,000": "{next}",
    **{f"sort by {name}": f"/api/organizations?limit=50&sort={name}" for name in
       ("-name", "type", "status", "industry", "createdAt", "-createdAt", "-updatedAt", "id")},
    "type": "/api/organizations?limit=50&type=partner",
    "type, one of two": "/api/organizations?limit=50&type:in=partner,vendor",
    "type, not": "/api/organizations?limit=50&type:not=customer",
    "status, rare": "/api/organizations?limit=50&status=archived",
    "industry, 1 in 4": "/api/organizations?limit=50&industry=technology",
    "industry of 40": "/api/organizations?limit=50&industry=puppetry",
    "industry, empty": "/api/organizations?limit=50&industry:null=true",
    "name, equal": "/api/organizations?limit=50&name=belaro%20falcon%20group%2012",
    "name, common part": "/api/organizations?limit=50&name:contains=group",
    "name, part of 40": "/api/organizations?limit=50&name:contains=ozhest",
    "name, two letters of 40": "/api/organizations?limit=50&name:contains=zh",
    "name, part of none": "/api/organizations?limit=50&name:contains=qqq",
    "word of 40": "/api/organizations?limit=50&q=drozhestvo",
    "word of 40 with an error": "/api/organizations?limit=50&q=drozhetsvo",
    "word of 40 and a common one": "/api/organizations?limit=50&q=drozhestvo%20offices",
    "words, one of all": "/api/organizations?limit=50&q=offices",
    "words, none": "/api/organizations?limit=50&q=qqqxyz",
    "created in the last 30 days": "/api/organizations?limit=50&createdAt:gte=-30d",
    "created in the last 30 days, newest": "/api/organizations?limit=50&createdAt:gte=-30d&sort=-createdAt",
    "updated before 2017": "/api/organizations?limit=50&updatedAt:lt=2017-01-01",
    "external id": "/api/organizations?externalId=X-4242",
    "domain": "/api/organizations?domain=c4242.example.com",
    "owner": "/api/organizations?limit=50&ownerId={owner}",
    "parent": "/api/organizations?limit=50&parentId={id}",
    "within": "/api/organizations?limit=50&within={id}",
    "tag, common": "/api/organizations?limit=50&tags=tag%200",
    "tag of 40": "/api/organizations?limit=50&tags=theatre",
    "metadata, common": "/api/organizations?limit=50&metadata.region=emea",
    "metadata of 40": "/api/organizations?limit=50&metadata.stage=round",
    "has projects": "/api/organizations?limit=50&hasProjects=true",
    "has none": "/api/organizations?limit=50&hasProjects=false",
    "type and status": "/api/organizations?limit=50&type=vendor&status=inactive",
    "type, newest": "/api/organizations?limit=50&type=partner&sort=-createdAt",
    "estimated count": "/api/organizations?limit=50&count=estimate&type=partner",
}  # fmt: skip
# Of these more is found where there are more rows.
GROWING = {
    "industry, 1 in 2,000": "/api/organizations?limit=50&industry=falconry",
    "name, rare part": "/api/organizations?limit=50&name:contains=xanvor",
    "word, rare": "/api/organizations?limit=50&q=xanvor",
    "two common words": "/api/organizations?limit=50&q=logistics%20group",
    "two common words, never together": "/api/organizations?limit=50&q=gmbh%20ltd",
    "tag, rare": "/api/organizations?limit=50&tags=tag%20399",
    "metadata, rare": "/api/organizations?limit=50&metadata.seats=4242",
}


def main() -> None:
    given = parser().parse_args()
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(workspace(given.keep))
        small = stack.enter_context(installation(folder / "small", SMALL, 0))
        large = stack.enter_context(installation(folder / "large", LARGE, TENANTS))
        text = report(small, large, given.times)
        PLANS.write_text(asyncio.run(plans(large)))
    RESULTS.write_text(text)
    print(text)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.million", description="Lists at a million organizations."
    )
    parser.add_argument(
        "--times", type=int, default=60, help="how often each question is put (default 60)"
    )
    parser.add_argument(
        "--keep", type=Path, help="a folder for the data, used again when it is there"
    )
    return parser


@contextlib.contextmanager
def workspace(keep: Path | None) -> Iterator[Path]:
    if keep:
        keep.mkdir(exist_ok=True, parents=True)
        keep.chmod(0o755)
        yield keep
        return
    folder = Path(tempfile.mkdtemp(prefix="retainer-million-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def installation(folder: Path, size: int, tenants: int) -> Iterator[World]:
    """Retainer on its embedded database with that many organizations."""
    folder.mkdir(exist_ok=True)
    port, log = postgres.free_port(), folder.with_suffix(".log")
    process = retainer.start_embedded(port, folder, log)
    try:
        contender.wait(port, process, log, "/readyz")
        url = embedded.running(folder)
        assert url
        tenant = asyncio.run(fill(url, size, tenants))
        yield World(
            port,
            contender.log_in(port, retainer.ADMIN, retainer.PASSWORD),
            tenant,
            process.pid,
            url,
        )
    finally:
        processes.stop(process)


async def fill(url: str, size: int, tenants: int) -> int:
    """Generate, unless it has been; the id of the tenant that has `size` organizations. `tenants`
    share as many.
    """
    connection = await asyncpg.connect(url)
    tenant: int = await connection.fetchval("SELECT min(id) FROM tenants")
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM organizations)"):
        began = time.monotonic()
        # Without triggers: what is measured is reading, and a journal of a million creations would
        # be beside the point.
        await connection.execute("SELECT setseed(0.5)")
        await connection.execute(
            "CREATE TEMP TABLE wanted (id bigint GENERATED ALWAYS AS IDENTITY, tenant bigint, n int)"
        )
        await connection.execute(
            f"INSERT INTO wanted (tenant, n) SELECT {tenant}, n FROM generate_series(1, {size}) n"
        )
        if tenants:
            await connection.execute(
                f"INSERT INTO tenants (name) SELECT 'Consultancy ' || n FROM generate_series(1, {tenants}) n"
            )
            await connection.execute(OTHERS)
        tables = ("users", "organizations", "projects")
        for table in tables:
            await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for searched in ("organizations", "projects"):
            await connection.execute(f"ALTER TABLE {searched} ENABLE TRIGGER words")
        await connection.execute(ORGANIZATIONS)
        await connection.execute(ALIKE, tenant, size)
        await connection.execute(WORDS)
        for table in tables:
            await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        await connection.execute("VACUUM ANALYZE")
        count = await connection.fetchval("SELECT count(*) FROM organizations")
        print(f"{count} organizations made in {time.monotonic() - began:.0f} s", file=sys.stderr)
    await connection.close()
    return tenant


# Each of the other tenants has as many as its place allows: the first a tenth of all, most of them
# a dozen or two.
OTHERS = """
INSERT INTO wanted (tenant, n)
SELECT t.id, n FROM tenants t,
    LATERAL generate_series(1, greatest(5, (500000 / 9.8 / (t.id - (SELECT min(id) FROM tenants)))::int)) n
WHERE t.id > (SELECT min(id) FROM tenants)
"""

# Names of a long tail: few stems are common, most are rare. All that varies is drawn from random(),
# seeded.
ORGANIZATIONS = """
CREATE FUNCTION pg_temp.pick(words text[]) RETURNS text LANGUAGE sql VOLATILE
    RETURN words[1 + floor(random() * cardinality(words))];
CREATE FUNCTION pg_temp.stem() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    syllables CONSTANT text[] := '{bel,ar,o,xan,vor,tin,mar,ka,lo,dri,sen,fal,con,ber,gus,hel,ni,pra,qui,rum,sol,tor,ul,
        ven,wil,yar,zen,al,bri,cor,dam,eth,fin,gra,hol,ist,jun,kel,lim,mon}';
    place int := floor(64000 * power(random(), 3));
BEGIN
    RETURN syllables[1 + place % 40] || syllables[1 + place / 40 % 40] || syllables[1 + place / 1600 % 40];
END $$;
INSERT INTO users (tenant_id, username, full_name, role)
    SELECT min(t.id), 'owner' || n || '@large.example', 'Owner ' || n, 'consultant'
    FROM tenants t, generate_series(1, 20) n GROUP BY n;
INSERT INTO organizations (tenant_id, id, name, type, status, industry, website, description, metadata, external_id,
    domains, parent_id, owner_id, tags, created_at, updated_at)
SELECT w.tenant, w.id,
    initcap(pg_temp.stem()) || ' ' || pg_temp.pick('{Falcon,Consulting,Foods,Logistics,Energy,Health,Textiles,Media}')
        || ' ' || pg_temp.pick('{GmbH,Ltd,Inc,SARL,Oy,AB,Group,Partners}') || ' ' || w.n % 1000,
    (ARRAY['customer', 'customer', 'customer', 'customer', 'prospect', 'prospect', 'partner', 'vendor', 'internal',
        'other'])[1 + floor(random() * 10)],
    CASE WHEN random() < 0.9 THEN 'active' WHEN random() < 0.8 THEN 'inactive' ELSE 'archived' END,
    CASE WHEN random() < 0.0005 THEN 'Falconry' WHEN random() < 0.1 THEN NULL
        ELSE pg_temp.pick('{Technology,Technology,Finance,Retail,Health,Energy,Transport,Education}') END,
    'https://www.c' || w.n || '.example.com', 'Standing client with offices in several cities.',
    CASE WHEN random() < 0.5
        THEN jsonb_build_object('region', pg_temp.pick('{emea,apac,amer}'), 'seats', w.n % 20000) END,
    'X-' || w.n, ARRAY['c' || w.n || '.example.com'],
    CASE WHEN w.n > 100 AND random() < 0.05 THEN w.id - w.n + 1 + floor(random() * w.n / 50) END,
    CASE WHEN w.tenant = 1 THEN (SELECT min(id) FROM users WHERE username LIKE 'owner%') + floor(random() * 20) END,
    CASE WHEN random() < 0.3 THEN ARRAY['tag ' || floor(400 * power(random(), 4))] ELSE '{}' END,
    now() - random() * interval '3650 days', now() - random() * interval '3650 days'
FROM wanted w;
INSERT INTO organization_domains (tenant_id, domain, organization_id)
    SELECT tenant_id, unnest(domains), id FROM organizations;
INSERT INTO projects (tenant_id, organization_id, title, status)
    SELECT tenant_id, id, 'Project of ' || name, 'active' FROM organizations WHERE random() < 0.3;
SELECT setval(pg_get_serial_sequence('organizations', 'id'), (SELECT max(id) FROM organizations));
"""

WORDS = """
INSERT INTO words SELECT tenant_id, word, count(*) FROM organizations,
    string_to_table(plain(concat_ws(' ', name, industry, site(website), description)), ' ') word
    WHERE length(word) BETWEEN 2 AND 40 GROUP BY tenant_id, word ORDER BY 1, 2
"""

# Forty that are alike and like no other, among the tenant's others in every order.
ALIKE = """
UPDATE organizations SET name = split_part(name, ' ', 1) || ' Drozhestvo', industry = 'Puppetry', tags = '{Theatre}',
    metadata = '{"stage": "round"}'
FROM generate_series(1, 40) n WHERE tenant_id = $1 AND id = n * ($2::bigint / 41)
"""


class Times(NamedTuple):
    """Times of one question: name, then milliseconds of both worlds, and how many rows each answered."""

    name: str
    small: list[float]
    large: list[float]
    rows: list[int]


def report(small: World, large: World, times: int) -> str:
    """Put every question to both in turn."""
    facts = f"{system.processor()}, PostgreSQL embedded, {times} times each in turn, one request at a time over loopback."
    return "\n".join([
        "# Lists at a million organizations", "", "Made by `python -m bench.million`: " + facts, "",
        *table([ask(name, path, small, large, times) for name, path in QUESTIONS.items()]), "",
        "## Where more is found", "",
        "The answer, or what has to be looked at to find it, grows with the data: a part that 16 names of 10,000 have,",
        "817 of half a million have, and which fifty of them come first nobody knows before.", "",
        *table([ask(name, path, small, large, times) for name, path in GROWING.items()]), "", stream(large), "",
    ])  # fmt: skip


def table(found: list[Times]) -> list[str]:
    columns = (
        "question",
        "rows of 10,000",
        "of 1,000,000",
        "10,000: p50 ms",
        "1,000,000: p50 ms",
        "p99 ms",
        "ratio",
    )
    over = [t.name for t in found if ratio(t) > 1.5]
    return [
        f"| {' | '.join(columns)} |", f"|---{'|--:' * (len(columns) - 1)}|", *map(line, found),
        "", f"Above 1.5: {', '.join(over) or 'none'}.",
    ]  # fmt: skip


def line(times: Times) -> str:
    taken = (p(times.small, 50), p(times.large, 50), p(times.large, 99), ratio(times))
    return (
        f"| {times.name} | {times.rows[0]} | {times.rows[1]} | "
        + " | ".join(f"{t:.2f}" for t in taken)
        + " |"
    )


def ask(name: str, path: str, small: World, large: World, times: int) -> Times:
    worlds = (small, large)
    paths = [
        filled(path, world, http.client.HTTPConnection("127.0.0.1", world.port, timeout=60))
        for world in worlds
    ]
    connections = [
        http.client.HTTPConnection("127.0.0.1", world.port, timeout=60) for world in worlds
    ]
    rows = [
        count(world.get(connection, url)[0])
        for world, connection, url in zip(worlds, connections, paths, strict=True)
    ]
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(times + 3):
        for world, connection, url, into in zip(worlds, connections, paths, taken, strict=True):
            began = time.perf_counter()
            world.get(connection, url)
            into.append((time.perf_counter() - began) * 1000)
    for connection in connections:
        connection.close()
    return Times(name, taken[0][3:], taken[1][3:], rows)


def count(body: bytes) -> int:
    """Number of rows in an answer."""
    found = json.loads(body)
    return len(found) if isinstance(found, list) else 1


def filled(path: str, world: World, connection: http.client.HTTPConnection) -> str:
    """The path with ids of this world."""
    if path == "{next}":
        return far_page(world, connection)
    if "{id}" in path or "{owner}" in path:
        row = json.loads(
            world.get(connection, "/api/organizations?limit=1&parentId:null=false")[0]
        )[0]
        return path.replace("{id}", str(row["parentId"])).replace("{owner}", str(row["ownerId"]))
    return path


def far_page(world: World, connection: http.client.HTTPConnection) -> str:
    """The 1,000th page, or the last but one, by following the links."""
    path = "/api/organizations?limit=50"
    for _ in range(999):
        found = re.search(r'<([^>]+)>; rel="next"', world.get(connection, path)[1])
        if found is None:
            break
        path = found[1]
    return path


def stream(world: World) -> str:
    """The whole large list as NDJSON, and the server's memory before and while."""
    connection = http.client.HTTPConnection("127.0.0.1", world.port, timeout=600)
    before = processes.rss_bytes(processes.tree(world.pid)[:1])
    began, most, size, lines = time.perf_counter(), before, 0, 0
    connection.request(
        "GET",
        "/api/organizations",
        headers={"Cookie": world.cookie, "Accept": "application/x-ndjson"},
    )
    answer = connection.getresponse()
    while piece := answer.read(1 << 20):
        size, lines = size + len(piece), lines + piece.count(b"\n")
        most = max(most, processes.rss_bytes(processes.tree(world.pid)[:1]))
    seconds = time.perf_counter() - began
    connection.close()
    return (
        f"NDJSON of the whole tenant: {lines:,} organizations, {size / 1e6:.0f} MB in {seconds:.1f} s; the server's "
        f"memory {before / 1e6:.0f} MB before, {most / 1e6:.0f} MB at most."
    )


def ratio(times: Times) -> float:
    return p(times.large, 50) / p(times.small, 50)


def p(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


async def plans(world: World) -> str:
    """PostgreSQL's plan of each question, as the application role."""
    connection = await connect(world.url)
    texts = [
        "# Plans",
        "",
        "How PostgreSQL answers the questions of `bench/million.py` in a tenant of 500,000 among 1,000,000 of all,",
        "as the application role under row-level security. Written by `python -m bench.million`.",
        "",
    ]
    await connection.execute("SET ROLE retainer_app")
    await connection.fetch("SELECT set_config('retainer.tenant', $1, false)", str(world.tenant))
    for name, path in (QUESTIONS | GROWING).items():
        if "?" in path:
            texts += [f"## {name}", "", *await plan(connection, world, path), ""]
    await connection.close()
    return "\n".join(texts)


async def plan(connection: Any, world: World, path: str) -> list[str]:
    asked = read(
        LIST, path.partition("?")[2].replace("{id}", "1").replace("{owner}", "1").encode(), "UTC"
    )
    values = {
        "tenant": world.tenant,
        "chunk": PAGE,
        "viewer_role": "admin",
        "user": 1,
        "contact": None,
        **asked.values,
    }
    lines = [f"`{path}`", ""]
    where, prefilters = asked.where, asked.prefilters[:1]
    for prefilter in prefilters:
        few = PageShape(
            ("id", "name"),
            (),
            asked.sort,
            where.replace(f" AND {prefilter.condition}", "", 1),
            prefilter.sql,
            True,
        )
        found = (await run(connection, LIST.page(few), values, ""))[0]
        if found["matched"] is not None:
            return [*lines, *await explained(connection, LIST.page(few), values)]
        lines += ["Its own function says that many match: the list is walked.", ""]
    return [
        *lines,
        *await explained(
            connection, LIST.page(PageShape(("id", "name"), (), asked.sort, where)), values
        ),
    ]


async def explained(connection: Any, page: Any, values: dict[str, Any]) -> list[str]:
    found = await run(
        connection,
        page,
        values,
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF, SUMMARY OFF) ",
    )
    return ["```text", *(row[0] for row in found), "```"]


async def run(connection: Any, statement: Any, values: dict[str, Any], before: str) -> Any:
    text, names = statement.compiled["all"]
    return await connection.fetch(before + text, *[values[name] for name in names])


if __name__ == "__main__":
    main()
