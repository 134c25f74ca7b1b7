-- Creates that arrive together are one INSERT of several rows, each with an operation of its own
-- (functions/journal.sql). Nothing that is stored changes.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';
