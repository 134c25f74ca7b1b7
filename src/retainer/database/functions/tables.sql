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
-- written down; generated columns are silent by themselves. Call it again when a table gets one.
CREATE OR REPLACE PROCEDURE journalled(
    target regclass, VARIADIC silent text[] DEFAULT ARRAY[]::text[]
)
LANGUAGE plpgsql AS $$
DECLARE
    generated text[] := ARRAY(SELECT a.attname::text FROM pg_attribute a
        WHERE a.attrelid = target AND a.attgenerated <> '' AND NOT a.attisdropped
            AND a.attname <> ALL (silent)
        ORDER BY a.attnum);
    arguments text := (SELECT coalesce(string_agg(quote_literal(c), ', '), '')
        FROM unnest(silent || generated) c);
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
-- `named` is the expression of the name and `told` those of the other texts, as a generated column
-- may have them; `folded` is the column of the folded name, and `usual` the one that the list goes
-- by. New entries go to the index's pending list, which a search reads as well and the indexer
-- merges: putting twenty words in their places would take half of a create.
CREATE OR REPLACE PROCEDURE searchable(target text, named text, told text, folded text, usual text)
LANGUAGE plpgsql AS $$
DECLARE
    listing CONSTANT text := format('%s_by_%s', target, replace(usual, '_folded', ''));
BEGIN
    EXECUTE format('DROP INDEX IF EXISTS %I', target || '_search');
    -- (A generated column may not be made of another one: the words are folded for each.)
    EXECUTE format('ALTER TABLE %1$I DROP COLUMN IF EXISTS words, DROP COLUMN IF EXISTS word_bits,
                        ADD COLUMN words text COLLATE "C"
                            GENERATED ALWAYS AS (words_of(%2$s, %3$s)) STORED,
                        ADD COLUMN word_bits bit(256)
                            GENERATED ALWAYS AS (bits_of(words_of(%2$s, %3$s))) STORED',
                   target, named, told);
    EXECUTE format('DROP INDEX IF EXISTS %I', listing);
    EXECUTE format('CREATE INDEX %I ON %I (tenant_id, %I, id)
                        INCLUDE (created_at, updated_at, word_bits) WHERE deleted_by IS NULL',
                   listing, target, usual);
    EXECUTE format('CREATE INDEX %I ON %I USING gin (word_terms(tenant_id, words))
                        WHERE deleted_by IS NULL', target || '_search', target);
    CALL journalled(target::regclass);
    INSERT INTO searched_tables (name, folded, usual) VALUES (target, folded, usual)
    ON CONFLICT (name) DO UPDATE SET folded = excluded.folded, usual = excluded.usual;
END $$;

-- The index for parts of a table's names; functions/lists.sql has the functions that read it.
CREATE OR REPLACE PROCEDURE indexed_by_part(target text, folded text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE INDEX %I ON %I USING gin (name_parts(tenant_id, %I))
                        WITH (gin_pending_list_limit = 256) WHERE deleted_by IS NULL',
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
    protect, journalled, listed, searchable, indexed_by_part, for_each_searched
FROM PUBLIC;
