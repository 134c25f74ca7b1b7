"""The background work of search: counting the words of new texts, for the correction of misspelled
queries, and extracting the text of new files.

One process at a time does it, the one that holds the advisory lock, on a connection of its own as
the owner. No request waits for it: a new record is found at once by its exact words; misspellings
of a new word and the text of a new file are found a moment later. Words are not counted by the
transactions that write them, because two writers of the same new word would wait for each other.
"""

import asyncio
import time
from collections.abc import Callable

from asyncpg import Record

from retainer.database.pool import UNREACHABLE, Connection, connect
from retainer.errors import Problem, Unavailable
from retainer.files.extraction import ExtractedText, extract
from retainer.http.log import Log
from retainer.lists.noun import Searched
from retainer.nouns import NOUNS
from retainer.records.documents import check, storage_mark
from retainer.records.documents.storage import Storage

LOCK = 7_264_010  # key of the advisory lock; any number that nothing else uses
POLL_SECONDS = 0.5  # between two reads of the journal
ANSWER_SECONDS = 120.0  # for a statement, which reads or writes much at most
RETRY_SECONDS = 10.0  # while another process has the lock, or the storage does not answer
BATCH = 500  # operations whose words are counted in one transaction
COMMIT_SECONDS = 900.0  # a number missing for longer belongs to a transaction that rolled back
MAX_MISSING = 10_000
MAX_GAP = 2**20  # numbers; a larger gap is no sign of transactions in progress
# What killed uploads leave is removed a while after a start, and once a day.
FIRST_CLEANING_SECONDS, CLEANING_SECONDS = 60.0, 86_400.0
MAX_TRIES = 3  # of a file whose extraction ends the process

# Operations commit in another order than they are numbered, so missing numbers are read again.
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
_COUNT_WORDS = f"""
    INSERT INTO words AS w (tenant_id, word, uses)
    SELECT c.tenant_id, t.word, count(*)
    FROM operations o
        JOIN changes c ON c.tenant_id = o.tenant_id AND c.operation_id = o.id,
        LATERAL (
            SELECT DISTINCT word
            FROM string_to_table(plain(concat_ws(' ', {_WORDS})), ' ') word) t
    WHERE o.id = ANY($1::bigint[]) AND c.entity = ANY('{{{", ".join(_SEARCHED)}}}'::text[])
        AND length(t.word) BETWEEN 2 AND 40
    GROUP BY c.tenant_id, t.word ORDER BY c.tenant_id, t.word
    ON CONFLICT (tenant_id, word) DO UPDATE SET uses = w.uses + excluded.uses
"""
# Writes leave new entries in a pending list of each GIN index, which every search reads in full.
# This merges them into the index before the list is long.
_MERGE_PENDING = """
    SELECT gin_clean_pending_list(i.oid) FROM pg_class i JOIN pg_am a ON a.oid = i.relam
    WHERE a.amname = 'gin' AND i.relkind = 'i' AND i.relnamespace = 'public'::regnamespace
"""
_SAVE_POSITION = "UPDATE search_progress SET operation_id = $1"

# The next file: of the tenant, and in it of the user, whose turn was longest ago, so that nobody's
# files keep those of others waiting. Its try is counted before its extraction, which may end the
# process.
_NEXT = """
    WITH next AS (
        SELECT p.tenant_id, p.id
        FROM pending_texts p
            JOIN document_versions v ON v.tenant_id = p.tenant_id
                AND v.document_id = p.document_id AND v.number = p.number
        ORDER BY p.tries, coalesce(array_position($1::bigint[], p.tenant_id), 0),
            coalesce(array_position($2::bigint[], v.uploader_id), 0), p.id
        LIMIT 1
    ), tried AS (
        UPDATE pending_texts p SET tries = p.tries + 1 FROM next
        WHERE p.tenant_id = next.tenant_id AND p.id = next.id RETURNING p.*
    )
    SELECT t.tenant_id, t.id, t.document_id, t.number, t.tries, v.storage_key, v.size, v.media_type,
        v.uploader_id,
        d.latest = t.number AND d.deleted_by IS NULL AS is_wanted
    FROM tried t
        JOIN documents d ON d.tenant_id = t.tenant_id AND d.id = t.document_id
        JOIN document_versions v ON v.tenant_id = t.tenant_id
            AND v.document_id = t.document_id AND v.number = t.number
"""
_UNDO_TRY = "UPDATE pending_texts SET tries = tries - 1 WHERE tenant_id = $1 AND id = $2"
_DELETE_TEXT = "DELETE FROM document_texts WHERE tenant_id = $1 AND document_id = $2"
_INSERT_OUTCOME = """
    INSERT INTO document_texts (tenant_id, document_id, number, outcome, reason, characters)
    VALUES ($1, $2, $3, $4, $5, $6)
"""
_INSERT_PASSAGES = """
    INSERT INTO document_passages (tenant_id, document_id, place, text)
    SELECT $1, $2, place, text FROM unnest($3::text[]) WITH ORDINALITY AS passage (text, place)
"""
_COUNT_WORDS_OF_FILE = """
    INSERT INTO words AS w (tenant_id, word, uses)
    SELECT $1, t.word, count(*)
    FROM unnest($2::text[]) passage, string_to_table(plain(passage), ' ') AS t (word)
    WHERE length(t.word) BETWEEN 2 AND 40
    GROUP BY t.word ORDER BY t.word
    ON CONFLICT (tenant_id, word) DO UPDATE SET uses = w.uses + excluded.uses
"""
_DONE = "DELETE FROM pending_texts WHERE tenant_id = $1 AND id = $2"


class Indexer:
    """The background work of search; `run` it in every process."""

    def __init__(
        self, url: str, storage: Storage, log: Log, is_full: Callable[[], bool] = lambda: False
    ) -> None:
        self.url = url
        self.storage = storage
        self.log = log
        self.is_full = is_full  # no space is left: nothing is written meanwhile
        self.turn = asyncio.Lock()  # one statement at a time on the connection
        # Numbers of operations that were missing, and the time until which each is looked for.
        self.missing: dict[int, float] = {}
        # Whose files were read, the last ones at the end.
        self.tenants: list[int] = []
        self.users: list[int] = []

    async def run(self) -> None:
        """Work until cancelled, and begin again after any failure."""
        while True:
            try:
                connection = await connect(
                    self.url,
                    answer_seconds=ANSWER_SECONDS,
                    idle_in_transaction_session_timeout="0",
                )
            except UNREACHABLE:
                await asyncio.sleep(RETRY_SECONDS)
                continue
            try:
                if await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
                    await self._work(connection)
            except* UNREACHABLE as gone:
                self.log.event("indexer lost the database", error=type(gone.exceptions[0]).__name__)
            except* Exception as unknown:  # one bad file or word must not end the work for ever
                self.log.unknown(unknown.exceptions[0])
            finally:
                connection.terminate()
            await asyncio.sleep(RETRY_SECONDS)

    async def _work(self, connection: Connection) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._count_words(connection))
            group.create_task(self._read_files(connection))
            group.create_task(self._clean_storage())

    async def _clean_storage(self) -> None:
        """Remove what killed uploads left, on a connection of its own."""
        await asyncio.sleep(FIRST_CLEANING_SECONDS)
        while True:
            try:
                connection = await connect(self.url, answer_seconds=ANSWER_SECONDS)
                try:
                    await self._clean(connection)
                finally:
                    connection.terminate()
            except (Problem, *UNREACHABLE) as error:
                self.log.event("storage was not cleaned", error=type(error).__name__)
            await asyncio.sleep(CLEANING_SECONDS)

    async def _clean(self, connection: Connection) -> None:
        if not await storage_mark.is_ours(connection, self.storage):
            self.log.event("storage was not cleaned", error="it is not this database's")
            return
        found = await check.clean(connection, self.storage)
        self.log.event(
            "storage was cleaned",
            uploads=found.uploads,
            orphans=found.orphans,
            half_written=found.half_written,
            foreign=found.foreign,
        )

    async def _count_words(self, connection: Connection) -> None:
        # The previous process kept its missing numbers in memory. They are probably among the last
        # ones; counting the words of some operations twice does no harm.
        last = await self._value(connection, "SELECT operation_id FROM search_progress")
        position = max(0, last - BATCH)
        while True:
            await self._wait_for_space()
            fresh = await self._ids(connection, _NEW, position, BATCH)
            late = await self._late(connection)
            if fresh or late:
                self._note_missing(position, fresh, late)
                position = max([position, *fresh])
                async with self.turn, connection.transaction():
                    await connection.execute(_COUNT_WORDS, fresh + late)
                    await connection.execute(_SAVE_POSITION, position)
                await self._value(connection, _MERGE_PENDING)
            if len(fresh) < BATCH:
                await asyncio.sleep(POLL_SECONDS)

    async def _wait_for_space(self) -> None:
        while self.is_full():  # noqa: ASYNC110 -- looked at by no event, as rarely as it is true
            await asyncio.sleep(POLL_SECONDS)

    async def _late(self, connection: Connection) -> list[int]:
        """The missing numbers whose operations have been committed since."""
        if not self.missing:
            return []
        return await self._ids(connection, _LATE, list(self.missing))

    def _note_missing(self, position: int, fresh: list[int], late: list[int]) -> None:
        """Add the numbers missing between the fresh ones; drop those that came or are too old."""
        now = time.monotonic()
        kept = {id: until for id, until in self.missing.items() if until > now and id not in late}
        if fresh and fresh[-1] - position < MAX_GAP:
            gaps = set(range(position + 1, fresh[-1])).difference(fresh)
            kept |= dict.fromkeys(sorted(gaps), now + COMMIT_SECONDS)
        self.missing = dict(list(kept.items())[-MAX_MISSING:])

    async def _read_files(self, connection: Connection) -> None:
        while True:
            await self._wait_for_space()
            async with self.turn:
                file = await connection.fetchrow(_NEXT, self.tenants, self.users)
            if file is None:
                await asyncio.sleep(POLL_SECONDS)
                continue
            self.tenants = _last(self.tenants, file["tenant_id"])
            self.users = _last(self.users, file["uploader_id"])
            try:
                text = await self._text(file)
            except Unavailable:
                async with self.turn:
                    await connection.execute(_UNDO_TRY, file["tenant_id"], file["id"])
                await asyncio.sleep(RETRY_SECONDS)
                continue
            async with self.turn, connection.transaction():
                await self._save(connection, file, text)

    async def _text(self, file: Record) -> ExtractedText | None:
        """The text of a file; None for a deleted document or a version that is not the newest."""
        if not file["is_wanted"]:
            return None
        if file["tries"] > MAX_TRIES:
            return ExtractedText("failed", "reading it was tried too often")
        return await extract(self.storage, file["storage_key"], file["size"], file["media_type"])

    async def _save(self, connection: Connection, file: Record, text: ExtractedText | None) -> None:
        tenant, document = file["tenant_id"], file["document_id"]
        if text is not None:
            passages = text.passages
            await connection.execute(_DELETE_TEXT, tenant, document)
            await connection.execute(
                _INSERT_OUTCOME,
                tenant,
                document,
                file["number"],
                text.outcome,
                text.reason,
                len(text.text),
            )
            await connection.execute(_INSERT_PASSAGES, tenant, document, passages)
            await connection.execute(_COUNT_WORDS_OF_FILE, tenant, passages)
        await connection.execute(_DONE, tenant, file["id"])

    async def _ids(self, connection: Connection, text: str, *arguments: object) -> list[int]:
        async with self.turn:
            return [row["id"] for row in await connection.fetch(text, *arguments)]

    async def _value(self, connection: Connection, text: str) -> int:
        async with self.turn:
            value: int = await connection.fetchval(text)
        return value


def _last(ids: list[int], id: int) -> list[int]:
    """The ids with this one at their end; the last thousand."""
    return [*(each for each in ids if each != id), id][-1000:]
