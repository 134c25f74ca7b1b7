-- The functions behind searches and lists have names that say what they are. What they do stays as it was.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- squawk-ignore-file ban-drop-function, renaming-object
-- (Servers call none of what is dropped: the functions that call it are replaced in this transaction.
-- No statement of theirs names the type, and sought() stays one version longer.)

ALTER TYPE sought RENAME TO search_query;

-- Now alternatives(), conjunction() and words_to_keep(), and of each table _found_anywhere() and the _by_index() ones.
DO $$
DECLARE
    old regprocedure;
BEGIN
    FOR old IN
        SELECT p.oid FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace
            AND (p.proname IN ('either', 'every', 'all_but_the_least') OR p.proname IN (
                SELECT t.name || suffix FROM searched_tables t,
                    unnest(ARRAY['_told', '_named_few', '_with_metadata_few', '_tagged_few']) suffix))
    LOOP
        EXECUTE format('DROP FUNCTION %s', old);
    END LOOP;
END $$;
