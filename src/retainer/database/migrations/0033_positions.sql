-- What operations are put into the order of their commits by: each notes its transaction. Nothing
-- that is stored changes; the columns are null in the operations that are there.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- squawk-ignore-file require-concurrent-index-creation
-- (The index is made in the transaction of its table's other changes; a million operations take a second.)

-- The default comes afterwards: with it, the operations that are there would be of the transaction of this migration.
ALTER TABLE operations ADD COLUMN xid xid8, ADD COLUMN session_id bigint;
ALTER TABLE operations ALTER COLUMN xid SET DEFAULT pg_current_xact_id();

CREATE INDEX operations_without_position ON operations (tenant_id, id) WHERE position IS NULL;

-- A restored database begins a new one, with positions above all that may have been given since its backup.
CREATE TABLE epochs (
    number int CONSTRAINT epochs_pkey PRIMARY KEY,
    floor bigint NOT NULL,                          -- its positions are above this one
    database text NOT NULL,                         -- the cluster, its timeline, and the database in it
    began_at timestamptz(3) NOT NULL DEFAULT now()
);
