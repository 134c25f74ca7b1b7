"""The background of search: words that were written are learnt and sorted in, and the text of new
files is taken out.

One process of all does it, whoever holds the advisory lock, on a connection of its own as the
owner. Nothing waits for it: what was typed exactly is found at once, only typing errors in a new
word, and a new file's text, follow a moment later. Words are learnt here and not as they are
written, because two writers of one new word would wait for each other.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from retainer.database.pool import UNREACHABLE, Connection, connect
from retainer.errors import Unavailable
from retainer.files.extraction import ExtractedText, extract
from retainer.http.log import Log
from retainer.lists.noun import Searched
from retainer.nouns import NOUNS
from retainer.records.documents.storage import Storage

LOCK = 7_264_010  # any number of our own
PAUSE = 0.5  # seconds between looks at the journal
PAUSE_WITHOUT = 10.0  # seconds, while another process has the lock or the storage does not answer
BATCH = 500  # operations learnt together
PATIENCE = (
    900.0  # seconds within which a transaction commits that took its operation's number early
)
MOST_MISSING = 10_000
TRIES = 3  # of a file that ends the server

# The journal's numbers are not in the order of commits: those passed over are looked for again.
_NEW = "SELECT id FROM operations WHERE id > $1 ORDER BY id LIMIT $2"
_LATE = "SELECT id FROM operations WHERE id = ANY($1::bigint[])"
_SEARCHED = {noun.table: noun.search for noun in NOUNS.values() if noun.search}


def _columns(of: Callable[[Searched], tuple[str, ...]], sql: str) -> list[str]:
    columns = dict.fromkeys(column for search in _SEARCHED.values() for column in of(search))
    return [sql.format(column) for column in columns]


_WORDS = ", ".join(
    _columns(lambda search: search.words, "c.after ->> '{}'")
    + _columns(lambda search: search.sites, "site(c.after ->> '{}')")
)
_LEARN = f"""
    INSERT INTO words AS w (tenant_id, word, uses)
    SELECT c.tenant_id, t.word, count(*)
    FROM operations o JOIN changes c ON c.tenant_id = o.tenant_id AND c.operation_id = o.id, LATERAL (
        SELECT DISTINCT word FROM string_to_table(plain(concat_ws(' ', {_WORDS})), ' ') word) t
    WHERE o.id = ANY($1::bigint[]) AND c.entity = ANY('{{{", ".join(_SEARCHED)}}}'::text[])
        AND length(t.word) BETWEEN 2 AND 40
    GROUP BY c.tenant_id, t.word ORDER BY c.tenant_id, t.word
    ON CONFLICT (tenant_id, word) DO UPDATE SET uses = w.uses + excluded.uses
"""
# What writers left pending in the indexes of words goes to its place, before a search has much to
# read through.
_SORT_IN = """
    SELECT gin_clean_pending_list(i.oid) FROM pg_class i JOIN pg_am a ON a.oid = i.relam
    WHERE a.amname = 'gin' AND i.relkind = 'i' AND i.relnamespace = 'public'::regnamespace
"""
_REMEMBER = "UPDATE search_progress SET operation_id = $1"

# The next file, its try counted before it is touched.
_NEXT = """
    WITH next AS (SELECT tenant_id, id FROM pending_texts ORDER BY tries, id LIMIT 1), tried AS (
        UPDATE pending_texts p SET tries = p.tries + 1 FROM next
        WHERE p.tenant_id = next.tenant_id AND p.id = next.id RETURNING p.*)
    SELECT t.tenant_id, t.id, t.document_id, t.number, t.tries, v.storage_key, v.size, v.media_type,
        d.latest = t.number AND d.deleted_by IS NULL AS is_wanted
    FROM tried t JOIN documents d ON d.tenant_id = t.tenant_id AND d.id = t.document_id
    JOIN document_versions v ON v.tenant_id = t.tenant_id AND v.document_id = t.document_id AND v.number = t.number
"""
_UNTRY = "UPDATE pending_texts SET tries = tries - 1 WHERE tenant_id = $1 AND id = $2"
_FORGET = "DELETE FROM document_texts WHERE tenant_id = $1 AND document_id = $2"
_RECORD = """
    INSERT INTO document_texts (tenant_id, document_id, number, outcome, reason, characters)
    VALUES ($1, $2, $3, $4, $5, $6)
"""
_STORE = """
    INSERT INTO document_passages (tenant_id, document_id, place, text)
    SELECT $1, $2, place, text FROM unnest($3::text[]) WITH ORDINALITY AS passage (text, place)
"""
_LEARN_TEXT = """
    INSERT INTO words AS w (tenant_id, word, uses)
    SELECT $1, t.word, count(*) FROM unnest($2::text[]) passage, string_to_table(plain(passage), ' ') AS t (word)
    WHERE length(t.word) BETWEEN 2 AND 40
    GROUP BY t.word ORDER BY t.word
    ON CONFLICT (tenant_id, word) DO UPDATE SET uses = w.uses + excluded.uses
"""
_DONE = "DELETE FROM pending_texts WHERE tenant_id = $1 AND id = $2"


class Indexer:
    """The worker; `run` it in every process."""

    def __init__(self, url: str, storage: Storage, log: Log) -> None:
        self.url = url
        self.storage = storage
        self.log = log
        self.turn = asyncio.Lock()  # one statement at a time on the connection
        self.missing: dict[
            int, float
        ] = {}  # numbers passed over, and until when each is looked for

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                connection = await connect(self.url, idle_in_transaction_session_timeout="0")
            except UNREACHABLE:
                await asyncio.sleep(PAUSE_WITHOUT)
                continue
            try:
                if await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                    await self._work(connection)
            except* UNREACHABLE as gone:
                self.log.event("indexer lost the database", error=type(gone.exceptions[0]).__name__)
            except* Exception as unknown:  # it shall go on, whatever one file or word has led to
                self.log.unknown(unknown.exceptions[0])
            finally:
                connection.terminate()
            await asyncio.sleep(PAUSE_WITHOUT)

    async def _work(self, connection: Connection) -> None:
        async with asyncio.TaskGroup() as together:
            together.create_task(self._learn(connection))
            together.create_task(self._read_files(connection))

    async def _learn(self, connection: Connection) -> None:
        # What the last process passed over is among the numbers before; learning some twice does no
        # harm.
        position = max(
            0, await self._value(connection, "SELECT operation_id FROM search_progress") - BATCH
        )
        while True:
            fresh = await self._ids(connection, _NEW, position, BATCH)
            late = await self._ids(connection, _LATE, list(self.missing)) if self.missing else []
            if fresh or late:
                self._note(position, fresh, late)
                position = max([position, *fresh])
                async with self.turn, connection.transaction():
                    await connection.execute(_LEARN, fresh + late)
                    await connection.execute(_REMEMBER, position)
                await self._value(connection, _SORT_IN)
            if len(fresh) < BATCH:
                await asyncio.sleep(PAUSE)

    def _note(self, position: int, fresh: list[int], late: list[int]) -> None:
        """Keep in mind which numbers were passed over, for a while."""
        now = time.monotonic()
        gaps = (
            set(range(position + 1, fresh[-1])).difference(fresh)
            if fresh and fresh[-1] - position < 2**20
            else set()
        )
        kept = {id: until for id, until in self.missing.items() if until > now and id not in late}
        kept |= dict.fromkeys(sorted(gaps), now + PATIENCE)
        self.missing = dict(list(kept.items())[-MOST_MISSING:])

    async def _read_files(self, connection: Connection) -> None:
        while True:
            async with self.turn:
                file = await connection.fetchrow(_NEXT)
            if file is None:
                await asyncio.sleep(PAUSE)
                continue
            try:
                text = await self._text(file)
            except Unavailable:
                async with self.turn:
                    await connection.execute(_UNTRY, file["tenant_id"], file["id"])
                await asyncio.sleep(PAUSE_WITHOUT)
                continue
            async with self.turn, connection.transaction():
                await self._record(connection, file, text)

    async def _text(self, file: Any) -> ExtractedText | None:
        """None when it is deleted, or there is a newer version, which comes later."""
        if not file["is_wanted"]:
            return None
        if file["tries"] > TRIES:
            return ExtractedText("failed", "reading it was tried too often")
        return await extract(self.storage, file["storage_key"], file["size"], file["media_type"])

    async def _record(self, connection: Connection, file: Any, text: ExtractedText | None) -> None:
        tenant, document = file["tenant_id"], file["document_id"]
        if text is not None:
            passages = text.passages
            await connection.execute(_FORGET, tenant, document)
            await connection.execute(
                _RECORD, tenant, document, file["number"], text.outcome, text.reason, len(text.text)
            )
            await connection.execute(_STORE, tenant, document, passages)
            await connection.execute(_LEARN_TEXT, tenant, passages)
        await connection.execute(_DONE, tenant, file["id"])

    async def _ids(self, connection: Connection, text: str, *arguments: Any) -> list[int]:
        async with self.turn:
            return [row["id"] for row in await connection.fetch(text, *arguments)]

    async def _value(self, connection: Connection, text: str) -> Any:
        async with self.turn:
            return await connection.fetchval(text)
