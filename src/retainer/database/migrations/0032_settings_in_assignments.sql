-- The functions of the journal set what they remember in assignments, no more in statements of their own
-- (functions/journal.sql). Nothing that is stored changes.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';
