"""Times of searches at a million organizations, against ten thousand: python -m bench.search
[FOLDER]

Each size is a database of its own: half of its rows in one tenant, the rest in tenants of varied
size. Names, websites and descriptions are made of 60,000 words whose use is long-tailed, as that of
real ones is. The time is the server process's, from the request's first byte to the answer's last,
database included. With a folder, what was made there is used again.
"""

import asyncio
import contextlib
import hashlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from bench import system
from retainer.config import Settings
from retainer.database.migrate import migrate
from retainer.database.pool import Connection, connect
from retainer.server.app import App
from retainer.server.postgres import embedded

SIZES = {"10k": 10_000, "1M": 1_000_000}
ROUNDS = 60
RESULTS = Path(__file__).parent / "SEARCH.md"
TOKEN = "bench"
GENERATE = """
SET synchronous_commit = off; SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'; SELECT setseed(0.42);
CREATE TEMP TABLE lexicon AS SELECT row_number() OVER () AS n, word FROM (
    SELECT DISTINCT word FROM (
        SELECT string_agg(s[1 + floor(random() * cardinality(s))::int], '') AS word
        FROM (SELECT string_to_array('ba be bo ca co cor da de den do fa fer fi ga gen go ha hel in ka ke kon la len '
                'lo lu ma mar me mi mon na ne ni no or pa per po ra re ri ro sa sen si so sta ta te ter ti to tra tri '
                'u va ve vi vo wa we win xa ya za ze zi', ' ') AS s) x,
            generate_series(1, 90000) g, generate_series(1, 4) k WHERE k <= 2 + g % 3 GROUP BY g) y) z
    ORDER BY random();
INSERT INTO tenants (id, name) SELECT id, 'Tenant ' || id FROM generate_series(1, 1 + {rows} / 100) id;
ALTER TABLE organizations DISABLE TRIGGER USER, ENABLE TRIGGER words;
INSERT INTO organizations (tenant_id, name, type, industry, website, description)
SELECT t, initcap(a.word) || ' ' || initcap(b.word) || ' ' || form, 'customer', industry,
    'https://www.' || a.word || '.example.com', initcap(c.word) || ' ' || d.word
    || ' consulting client with offices in ' || e.word || ' and ' || f.word || ', long standing'
FROM (SELECT n, CASE WHEN n % 2 = 0 THEN 1 ELSE 2 + floor({rows} / 100.0 * random() ^ 3)::int END AS t,
        1 + floor(60000 * random() ^ 2)::int AS a, 1 + floor(20000 * random() ^ 4)::int AS b,
        1 + floor(3000 * random() ^ 2)::int AS c, 1 + floor(3000 * random() ^ 2)::int AS d,
        1 + floor(3000 * random() ^ 2)::int AS e, 1 + floor(3000 * random() ^ 2)::int AS f,
        (ARRAY['Technology', 'Finance', 'Retail', 'Health', 'Energy', 'Transport'])[1 + floor(random() * 6)::int]
            AS industry,
        (ARRAY['GmbH', 'Ltd', 'Inc', 'SARL', 'Oy', 'AB', 'Group', 'Partners', 'Corporation', 'AG'])
            [1 + floor(random() * 10)::int] AS form
    FROM generate_series(1, {rows}) n) x
JOIN lexicon a ON a.n = x.a JOIN lexicon b ON b.n = x.b JOIN lexicon c ON c.n = x.c
JOIN lexicon d ON d.n = x.d JOIN lexicon e ON e.n = x.e JOIN lexicon f ON f.n = x.f
ORDER BY x.n;
INSERT INTO organizations (tenant_id, name, type) VALUES (1, 'Acme Corporation', 'customer');
ALTER TABLE organizations ENABLE TRIGGER USER;
INSERT INTO words SELECT tenant_id, word, count(*) FROM organizations,
    string_to_table(plain(concat_ws(' ', name, industry, site(website), description)), ' ') word
    WHERE length(word) BETWEEN 2 AND 40 GROUP BY tenant_id, word ORDER BY 1, 2;
"""
PEOPLE = """
ALTER TABLE users DISABLE TRIGGER USER;
ALTER TABLE contacts DISABLE TRIGGER USER, ENABLE TRIGGER words;
ALTER TABLE members DISABLE TRIGGER USER;
INSERT INTO contacts (tenant_id, id, full_name, email, type) VALUES (1, 1, 'Gita', 'gita@example.com', 'client');
INSERT INTO members (tenant_id, organization_id, contact_id, role)
    SELECT 1, id, 1, 'member' FROM organizations WHERE tenant_id = 1 AND name = 'Acme Corporation';
INSERT INTO users (tenant_id, id, username, full_name, role, contact_id) VALUES
    (1, 1, 'ada@example.com', 'Ada', 'admin', NULL), (1, 2, 'gita@example.com', 'Gita', 'guest', 1);
"""
SESSION = """
INSERT INTO sessions (tenant_id, user_id, token_hash, idle_expires_at, expires_at)
    VALUES (1, $1, $2, now() + interval '1 day', now() + interval '1 day')
"""


async def prepared(url: str, rows: int) -> dict[str, str]:
    """The database filled; what is typed, by what it stands for."""
    await migrate(url)
    connection = await connect(url)
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM organizations)"):
        await connection.execute(GENERATE.format(rows=rows) + PEOPLE)
        await connection.execute("VACUUM ANALYZE")
    await connection.execute("DELETE FROM sessions")
    for user in (1, 2):
        await connection.execute(SESSION, user, hashlib.sha256(f"{TOKEN}{user}".encode()).digest())
    words = await typed_words(connection)
    print(f"{rows:,} organizations, {await sizes(connection)}")
    await connection.close()
    return words


async def typed_words(connection: Connection) -> dict[str, str]:
    """Words of the large tenant: the name of one organization, taken apart and mistyped."""
    name = await connection.fetchval(
        "SELECT name FROM organizations WHERE tenant_id = 1 AND length(split_part(name, ' ', 1)) >= 8"
        " AND (SELECT uses FROM words WHERE tenant_id = 1 AND word = lower(split_part(name, ' ', 1))) BETWEEN 2 AND 40"
        " ORDER BY id LIMIT 1"
    )
    rare, second, form = name.split(" ")
    wrong = rare[:3] + rare[4] + rare[3] + rare[5:]
    return {
        "a rare word": rare, "a common word": form, "a word of every row": "consulting", "one letter": rare[0],
        "two letters": rare[:2], "three letters": rare[:3], "two words": f"{rare} {second}",
        "two common words": f"{form} technology", "a rare and a common word": f"{rare} {form}",
        "an error in one word": wrong, "errors in two words": f"{wrong} {second[:-1]}x",
        "Aceme Corpration": "Aceme Corpration", "no match": "qqxxyyq",
    }  # fmt: skip


async def sizes(connection: Connection) -> str:
    text = "SELECT pg_size_pretty(pg_table_size($1::regclass)), pg_size_pretty(pg_indexes_size($1::regclass))"
    table, words = (
        await connection.fetchrow(text, "organizations"),
        await connection.fetchrow(text, "words"),
    )
    index = await connection.fetchval(
        "SELECT pg_size_pretty(pg_relation_size('organizations_search'))"
    )
    return (
        f"table {table[0]}, index of words {index}; vocabulary {words[0]} and {words[1]} of indexes"
    )


async def ask(app: App, q: str, user: int) -> float:
    """Milliseconds of one request."""
    sent = list[Any]()

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": "/api/search", "query_string": f"q={quote(q)}".encode(),
        "headers": [(b"cookie", f"connect.sid={TOKEN}{user}".encode())], "client": ("127.0.0.1", 1),
    }  # fmt: skip
    start = time.perf_counter()
    await app(scope, receive, send)
    elapsed = (time.perf_counter() - start) * 1000
    assert sent[0]["status"] == 200, sent[1]["body"]
    return elapsed


class World(NamedTuple):
    """An installation in this process: the app, and what is typed there, by what it stands for."""

    app: App
    watching: "asyncio.Task[None]"
    words: dict[str, str]


async def opened(url: str, rows: int) -> World:
    words = await prepared(url, rows)
    app = App(Settings(database_url=url, data=tempfile.gettempdir(), log="errors"))
    watching = asyncio.create_task(app.monitor.run())
    await app.monitor.connected.wait()
    return World(app, watching, words)


async def measured(urls: list[str]) -> dict[str, tuple[list[float], ...]]:
    """The times at each size in order, by what was typed and who asked: one at each size in turn."""
    worlds = [await opened(url, rows) for url, rows in zip(urls, SIZES.values(), strict=True)]
    found = dict[str, tuple[list[float], ...]]()
    for user, who in ((1, "admin"), (2, "guest")):
        for name in worlds[0].words:
            times = [
                [await ask(world.app, world.words[name], user) for world in worlds]
                for _ in range(ROUNDS + 8)
            ]
            found[f"{name}, {who}"] = tuple(sorted(each) for each in zip(*times[8:], strict=True))
    for world in worlds:
        world.watching.cancel()
        world.app.database.pool.drop()
    return found


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(dir="/var/tmp"))
    with contextlib.ExitStack() as stack:
        urls = []
        for size in SIZES:
            data = folder / size
            data.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)
            running = embedded.start(data)
            stack.callback(running.stop)
            urls.append(running.url)
        text = report(asyncio.run(measured(urls)))
    RESULTS.write_text(text)
    print(text)


def report(found: dict[str, tuple[list[float], ...]]) -> str:
    lines = [
        "# Search at a million organizations", "",
        f"Made by `python -m bench.search`: {system.processor()}, PostgreSQL embedded, {ROUNDS} times each in turn.",
        "", "| typed, by whom | 10,000: p50 ms | 1,000,000: p50 ms | p99 ms | ratio |", "|---|--:|--:|--:|--:|",
    ]  # fmt: skip
    over = []
    for name, (small, large) in found.items():
        before, after = small[ROUNDS // 2], large[ROUNDS // 2]
        lines.append(
            f"| {name} | {before:.1f} | {after:.1f} | {large[ROUNDS * 99 // 100]:.1f} | {after / before:.2f} |"
        )
        if after / before > 1.5:
            over.append(name)
    small, large = (
        sorted(one for times in found.values() for one in times[size]) for size in (0, 1)
    )
    middle, last = len(small) // 2, len(small) * 99 // 100
    lines += [
        "", f"Above 1.5: {', '.join(over) or 'none'}.", "",
        f"All of them: p50 {small[middle]:.1f} and {large[middle]:.1f} ms, "
        f"p99 {small[last]:.1f} and {large[last]:.1f} ms.", "",
    ]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    main()
