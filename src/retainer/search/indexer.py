"""The background work of search: counting the words of new texts, for the correction of misspelled
queries, and extracting the text of new files. Loops of the worker (server/worker/).

No request waits for it: a new record is found at once by its exact words; misspellings of a new
word and the text of a new file are found a moment later. Words are not counted by the transactions
that write them, because two writers of the same new word would wait for each other.

Each step locks the row that says how far the work is, so that nothing is done twice where a worker
goes on for a moment without the worker's lock.
"""

from collections.abc import Callable

from asyncpg import Record

from retainer.database.pool import Connection
from retainer.errors import Unavailable
from retainer.files.extraction import ExtractedText, extract
from retainer.lists.noun import Searched
from retainer.nouns import NOUNS
from retainer.records.documents.storage import Storage

BATCH = 500  # operations of a tenant whose words are counted in one transaction
MAX_TRIES = 3  # of a file whose extraction ends the process

LOOP = "words"  # its name in `loops`
_WAITING = f"""
    SELECT t.id FROM tenants t
        LEFT JOIN loops l ON l.tenant_id = t.id AND l.name = '{LOOP}'
        CROSS JOIN LATERAL (SELECT FROM operations o
            WHERE o.tenant_id = t.id AND o.position > coalesce(l.position, 0) LIMIT 1) o
    ORDER BY t.id
"""
_LOCK_PROGRESS = f"""
    INSERT INTO loops AS l (tenant_id, name) VALUES ($1, '{LOOP}')
    ON CONFLICT (tenant_id, name) DO UPDATE SET position = l.position
    RETURNING l.position
"""
_SAVE_PROGRESS = f"UPDATE loops SET position = $2 WHERE tenant_id = $1 AND name = '{LOOP}'"
_NEXT_OPERATIONS = """
    SELECT o.id, o.position FROM operations o
    WHERE o.tenant_id = $1 AND o.position > $2 ORDER BY o.position LIMIT $3
"""
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
    FROM changes c,
        LATERAL (
            SELECT DISTINCT word
            FROM string_to_table(plain(concat_ws(' ', {_WORDS})), ' ') word) t
    WHERE c.tenant_id = $1 AND c.operation_id = ANY($2::bigint[])
        AND c.entity = ANY('{{{", ".join(_SEARCHED)}}}'::text[])
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
_DONE = "DELETE FROM pending_texts WHERE tenant_id = $1 AND id = $2 RETURNING id"


class Indexer:
    """The work of search on two connections: one for words, one for files, which take longer."""

    def __init__(self, words: Connection, files: Connection, storage: Storage) -> None:
        self.words = words
        self.files = files
        self.storage = storage
        # Whose files were read, the last ones at the end.
        self.tenants: list[int] = []
        self.users: list[int] = []

    async def count_words(self) -> bool:
        """Count the words of the next operations of each tenant that has some, in turn, and merge
        the pending lists; True when there may be more.
        """
        waiting = await self.words.fetch(_WAITING)
        counts = [await self._count_words(row["id"]) for row in waiting]
        if counts:
            await self.words.execute(_MERGE_PENDING)
        return BATCH in counts

    async def _count_words(self, tenant: int) -> int:
        async with self.words.transaction():
            position = await self.words.fetchval(_LOCK_PROGRESS, tenant)
            found = await self.words.fetch(_NEXT_OPERATIONS, tenant, position, BATCH)
            if found:
                ids = [row["id"] for row in found]
                await self.words.execute(_COUNT_WORDS, tenant, ids)
                await self.words.execute(_SAVE_PROGRESS, tenant, found[-1]["position"])
        return len(found)

    async def read_next_file(self) -> bool:
        """Read the text of the next file; False when there is none. Raises Unavailable when the
        storage does not answer.
        """
        file = await self.files.fetchrow(_NEXT, self.tenants, self.users)
        if file is None:
            return False
        self.tenants = _last(self.tenants, file["tenant_id"])
        self.users = _last(self.users, file["uploader_id"])
        try:
            text = await self._text(file)
        except Unavailable:
            await self.files.execute(_UNDO_TRY, file["tenant_id"], file["id"])
            raise
        async with self.files.transaction():
            await self._save(file, text)
        return True

    async def _text(self, file: Record) -> ExtractedText | None:
        """The text of a file; None for a deleted document or a version that is not the newest."""
        if not file["is_wanted"]:
            return None
        if file["tries"] > MAX_TRIES:
            return ExtractedText("failed", "reading it was tried too often")
        return await extract(self.storage, file["storage_key"], file["size"], file["media_type"])

    async def _save(self, file: Record, text: ExtractedText | None) -> None:
        """Write the text down, unless another worker did it meanwhile."""
        tenant, document, connection = file["tenant_id"], file["document_id"], self.files
        is_ours = await connection.fetchval(_DONE, tenant, file["id"])
        if is_ours and text is not None:
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


def _last(ids: list[int], id: int) -> list[int]:
    """The ids with this one at their end; the last thousand."""
    return [*(each for each in ids if each != id), id][-1000:]
