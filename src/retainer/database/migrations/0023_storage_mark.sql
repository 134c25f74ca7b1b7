-- The storage of this database's documents carries this mark: another one is refused at the start.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

CREATE TABLE storage_mark (
    one boolean PRIMARY KEY DEFAULT true CONSTRAINT storage_mark_one CHECK (one),
    mark text NOT NULL,
    is_written boolean NOT NULL DEFAULT false       -- in the storage too; false only in the middle of a start
);
