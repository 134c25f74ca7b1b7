-- Undoing a part of an operation (functions/undo.sql, docs/decisions/0012).

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- Which changes of the operation in `undoes` were taken back, by their sequence; null: all of them.
ALTER TABLE operations ADD COLUMN undoes_changes int[];

-- An operation is undone as a whole once; its changes may be taken back singly before.
-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion
DROP INDEX operations_undone;
CREATE UNIQUE INDEX operations_undone ON operations (tenant_id, undoes)
    WHERE undoes IS NOT NULL AND undoes_changes IS NULL;
COMMENT ON INDEX operations_undone IS
    'id: has been undone already; undo the operation that did so to have it again';
CREATE INDEX operations_undone_in_part ON operations (tenant_id, undoes)
    WHERE undoes IS NOT NULL AND undoes_changes IS NOT NULL;
