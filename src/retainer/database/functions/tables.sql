-- Procedures for migrations that make or change tables. The application calls none of them.

-- Forced row-level security: the tenant's policy for the application role, and one for the owner,
-- from whom forced security would silently hide every row.
CREATE OR REPLACE PROCEDURE protect(target regclass, tenant_column text DEFAULT 'tenant_id')
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('CREATE POLICY tenant ON %s TO retainer_app
            USING (%I = nullif(current_setting(''retainer.tenant'', true), '''')::bigint)
            WITH CHECK (%2$I = nullif(current_setting(''retainer.tenant'', true), '''')::bigint)',
        target, tenant_column);
    EXECUTE format('CREATE POLICY owner ON %s TO %I USING (true) WITH CHECK (true)',
        target, current_user);
END $$;

-- The triggers that count versions and write the journal. `silent` names the columns that are never
-- written down; columns that are computed are silent by themselves. Call it again when a table gets
-- one.
CREATE OR REPLACE PROCEDURE journalled(
    target regclass, VARIADIC silent text[] DEFAULT ARRAY[]::text[]
)
LANGUAGE plpgsql AS $$
DECLARE
    computed text[] := ARRAY(SELECT a.attname::text FROM pg_attribute a
        WHERE a.attrelid = target AND NOT a.attisdropped AND a.attname <> ALL (silent)
            AND (a.attgenerated <> '' OR a.attname IN ('words', 'word_bits'))
        ORDER BY a.attnum);
    arguments text := (SELECT coalesce(string_agg(quote_literal(c), ', '), '')
        FROM unnest(silent || computed) c);
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER count_version BEFORE UPDATE ON %s
                    FOR EACH ROW EXECUTE FUNCTION count_version(%s)', target, arguments);
    EXECUTE format('CREATE OR REPLACE TRIGGER journal AFTER INSERT OR UPDATE OR DELETE ON %s
                    FOR EACH ROW EXECUTE FUNCTION journal(%s)', target, arguments);
END $$;

-- An index for each column that a list sorts by or compares, with the list's own order behind it.
CREATE OR REPLACE PROCEDURE listed(target regclass, usual text, VARIADIC columns text[])
LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY columns LOOP
        EXECUTE format('CREATE INDEX %I ON %s (tenant_id, %I, %s id) WHERE deleted_by IS NULL',
                       format('%s_by_%s', target, name), target, name,
                       CASE WHEN name IN ('created_at', 'updated_at') THEN ''
                           ELSE quote_ident(usual) || ',' END);
    END LOOP;
END $$;

-- The columns and indexes by which rows are found by their words; functions/search.sql reads them.
-- `named` is the expression of the name and `told` those of the other texts, of a row that is NEW;
-- `folded` is the column of the folded name, and `usual` the one that the list goes by. New entries
-- go to the index's pending list, which a search reads as well and the indexer merges: putting
-- twenty words in their places would take half of a create.
CREATE OR REPLACE PROCEDURE searchable(target text, named text, told text, folded text, usual text)
LANGUAGE plpgsql AS $$
DECLARE
    listing CONSTANT text := format('%s_by_%s', target, replace(usual, '_folded', ''));
    words CONSTANT text := replace(format('words_of(%s, %s)', named, told), 'NEW.', '');
BEGIN
    EXECUTE format('DROP INDEX IF EXISTS %I', target || '_search');
    -- Generated for the rows that are there, and kept by a trigger from then on.
    EXECUTE format('ALTER TABLE %1$I DROP COLUMN IF EXISTS words, DROP COLUMN IF EXISTS word_bits,
                        ADD COLUMN words text COLLATE "C" NOT NULL
                            GENERATED ALWAYS AS (%2$s) STORED,
                        ADD COLUMN word_bits bit(256) NOT NULL
                            GENERATED ALWAYS AS (bits_of(%2$s)) STORED',
                   target, words);
    EXECUTE format('ALTER TABLE %I ALTER COLUMN words DROP EXPRESSION,
                        ALTER COLUMN word_bits DROP EXPRESSION', target);
    EXECUTE format('DROP INDEX IF EXISTS %I', listing);
    EXECUTE format('CREATE INDEX %I ON %I (tenant_id, %I, id)
                        INCLUDE (created_at, updated_at, word_bits) WHERE deleted_by IS NULL',
                   listing, target, usual);
    EXECUTE format('CREATE INDEX %I ON %I USING gin (word_terms(tenant_id, words))
                        WHERE deleted_by IS NULL', target || '_search', target);
    INSERT INTO searched_tables (name, named, told, folded, usual)
    VALUES (target, named, told, folded, usual)
    ON CONFLICT (name) DO UPDATE SET named = excluded.named, told = excluded.told,
        folded = excluded.folded, usual = excluded.usual;
    CALL worded(target);
    CALL journalled(target::regclass);
END $$;

-- The trigger that keeps the words of a searched table's rows. Both columns are computed by one
-- function, because a generated column may not be made of another: the texts would be folded for
-- each, and their expressions parsed anew in every statement.
CREATE OR REPLACE PROCEDURE worded(target text)
LANGUAGE plpgsql AS $$
DECLARE
    searched record;
    texts text;
BEGIN
    SELECT * INTO STRICT searched FROM searched_tables t WHERE t.name = target;
    SELECT string_agg(DISTINCT used[1], ', ') INTO texts
    FROM regexp_matches(searched.named || ' ' || searched.told, 'NEW\.(\w+)', 'g') used;
    EXECUTE format('CREATE OR REPLACE FUNCTION %I() RETURNS trigger LANGUAGE plpgsql AS $made$
        BEGIN
            NEW.words := words_of(%s, %s);
            NEW.word_bits := bits_of(NEW.words);
            RETURN NEW;
        END $made$', target || '_words', searched.named, searched.told);
    EXECUTE format('REVOKE ALL ON FUNCTION %I FROM PUBLIC', target || '_words');
    -- Its name sorts behind those of the triggers that clean the texts.
    EXECUTE format('CREATE OR REPLACE TRIGGER words
                        BEFORE INSERT OR UPDATE OF %s, words, word_bits ON %I
                        FOR EACH ROW EXECUTE FUNCTION %I()', texts, target, target || '_words');
END $$;

-- The index for parts of a table's names; functions/lists.sql has the functions that read it. Its
-- pending list takes what is written between two merges of the indexer at 2,500 creates a second,
-- so that no create merges it, and no more: a filter reads the list in full, in 3 ms where it is
-- full.
CREATE OR REPLACE PROCEDURE indexed_by_part(target text, folded text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE INDEX %I ON %I USING gin (name_parts(tenant_id, %I))
                        WITH (gin_pending_list_limit = 1024) WHERE deleted_by IS NULL',
                   target || '_by_part', target, folded);
END $$;

-- Runs a template once for each searched table that has the index <table>_<index>. {table},
-- {folded} and {usual} stand for the table, the column of its folded name and the one that its list
-- goes by.
CREATE OR REPLACE PROCEDURE for_each_searched(index text, template text)
LANGUAGE plpgsql AS $$
DECLARE
    searched record;
    definition text;
BEGIN
    FOR searched IN
        SELECT t.name, t.folded, t.usual FROM searched_tables t
        WHERE to_regclass(t.name || '_' || index) IS NOT NULL ORDER BY t.name
    LOOP
        definition := replace(template, '{table}', quote_ident(searched.name));
        definition := replace(definition, '{folded}', quote_ident(searched.folded));
        EXECUTE replace(definition, '{usual}', quote_ident(searched.usual));
    END LOOP;
END $$;

REVOKE ALL ON PROCEDURE
    protect, journalled, listed, searchable, worded, indexed_by_part, for_each_searched
FROM PUBLIC;
