-- functions: text.sql, words.sql, values.sql
-- Folding knows the final sigma, thorn, and what nobody sees; scripts without spaces are searched by pairs of letters,
-- contacts by the digits of their telephone numbers; the host of a website may end with a dot. What was computed with
-- the functions of before is computed anew.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '120min';

-- squawk-ignore-file require-concurrent-index-deletion, ban-drop-column, require-concurrent-reindex
-- (The tables that can be searched are written anew, a million organizations in some minutes.)

DO $$
DECLARE
    problems text;
BEGIN
    SELECT string_agg(format('%s of tenant %s: "%s"', ids, tenant_id, name), '; ') INTO problems FROM (
        SELECT string_agg(id::text, ', ' ORDER BY id) AS ids, tenant_id, min(name) AS name
        FROM views WHERE deleted_by IS NULL
        GROUP BY tenant_id, owner_id, noun, fold(name) HAVING count(*) > 1) same;
    IF problems IS NOT NULL THEN
        RAISE EXCEPTION 'The names of views of one person would be the same: views %. Rename them with the release that'
            ' you have, then upgrade again. Nothing was changed.', problems;
    END IF;
END $$;

-- Each generated column anew, and with the table its indexes.
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN
        SELECT a.attrelid::regclass::text AS target, string_agg(
            format('ALTER COLUMN %I SET EXPRESSION AS (%s)', a.attname, CASE
                WHEN a.attrelid = 'contacts'::regclass AND a.attname = 'words' THEN
                    'words_of(full_name, email, mention_name, company, title, department, phone_words(phone))'
                WHEN a.attrelid = 'contacts'::regclass AND a.attname = 'word_bits' THEN
                    'bits_of(words_of(full_name, email, mention_name, company, title, department, phone_words(phone)))'
                ELSE pg_get_expr(d.adbin, d.adrelid) END), ', ' ORDER BY a.attnum) AS columns
        FROM pg_attribute a
            JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            JOIN pg_class c ON c.oid = a.attrelid AND c.relnamespace = 'public'::regnamespace
        WHERE a.attgenerated = 's' AND NOT a.attisdropped
        GROUP BY a.attrelid
    LOOP
        EXECUTE format('ALTER TABLE %s %s', each.target, each.columns);
    END LOOP;
END $$;
REINDEX INDEX document_passages_search;

-- contacts_by_full_name is the same, and has more.
DROP INDEX contacts_by_name;
