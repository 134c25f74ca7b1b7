-- A typed text in a script without spaces has no empty word between its pairs (typed_words() in
-- functions/search.sql). Nothing that is stored changes.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';
