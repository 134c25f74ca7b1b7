-- Contacts are found by a telephone number, whatever form it has (functions/lists.sql). Nothing that is stored changes.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';
