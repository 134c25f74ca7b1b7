-- Lists of a million rows: an index for each sort and each filter, and functions for what no index may be asked for
-- under row-level security (operators that are not leakproof).

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60min';

-- squawk-ignore-file adding-field-with-default, require-concurrent-index-creation, prefer-bigint-over-smallint
-- (No installation has many rows yet: rewriting and indexing them is a matter of moments. Ranks are small.)

-- Both come with PostgreSQL's contrib modules and are trusted: the database's owner may create them.
DO $$
BEGIN
    IF 2 > (SELECT count(*) FROM pg_available_extensions WHERE name IN ('pg_trgm', 'btree_gin')) THEN
        RAISE EXCEPTION 'PostgreSQL lacks its extensions pg_trgm and btree_gin, which lists need'
            USING HINT = 'Install the contrib package of this PostgreSQL (such as postgresql-contrib), then migrate again.';
    END IF;
END $$;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- A pattern for LIKE that finds the folded part anywhere.
CREATE FUNCTION like_part(part text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '%' || replace(replace(replace(fold(part), '\', '\\'), '%', '\%'), '_', '\_') || '%';

-- Each text of an array folded; an index can hold it. (In plpgsql as fold() is: an expression of SQL is read anew in
-- every statement that writes.)
CREATE FUNCTION fold_each(texts text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN CASE WHEN texts = '{}' THEN texts ELSE ARRAY(SELECT public.fold(t) FROM unnest(texts) t) END;
END $$;

-- A text's sort key: folded, and behind all others where there is none.
CREATE FUNCTION fold_key(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN coalesce(public.fold(value), U&'\+10FFFF');
END $$;

-- Sort keys are never null, so that a page can begin behind any row: what has no value sorts last.
ALTER TABLE organizations
    ADD COLUMN industry_key text COLLATE "C" GENERATED ALWAYS AS (fold_key(industry)) STORED,
    ADD COLUMN tags_folded text[] GENERATED ALWAYS AS (fold_each(tags)) STORED;
ALTER TABLE contacts
    ADD COLUMN email_folded text COLLATE "C" GENERATED ALWAYS AS (fold(email)) STORED,
    ADD COLUMN company_key text COLLATE "C" GENERATED ALWAYS AS (fold_key(company)) STORED;
ALTER TABLE projects
    ADD COLUMN status_rank smallint GENERATED ALWAYS AS
        (array_position(ARRAY['planned', 'active', 'on_hold', 'completed', 'cancelled'], status) - 1) STORED,
    ADD COLUMN start_date_key date GENERATED ALWAYS AS (coalesce(start_date, 'infinity')) STORED,
    ADD COLUMN due_date_key date GENERATED ALWAYS AS (coalesce(due_date, 'infinity')) STORED;
ALTER TABLE tasks
    ADD COLUMN title_folded text COLLATE "C" GENERATED ALWAYS AS (fold(title)) STORED,
    ADD COLUMN status_rank smallint GENERATED ALWAYS AS
        (array_position(ARRAY['todo', 'in_progress', 'blocked', 'review', 'completed'], status) - 1) STORED,
    ADD COLUMN priority_rank smallint GENERATED ALWAYS AS
        (array_position(ARRAY['low', 'medium', 'high'], priority) - 1) STORED,
    ADD COLUMN due_date_key date GENERATED ALWAYS AS (coalesce(due_date, 'infinity')) STORED;

-- An index per sort or equal value, each in the list's own order behind it, and one on parts of the name.
-- The arguments: table, its default order, then the columns.
CREATE PROCEDURE listed(target regclass, usual text, VARIADIC columns text[])
LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY columns LOOP
        EXECUTE format('CREATE INDEX %I ON %s (tenant_id, %I, %s id) WHERE deleted_by IS NULL',
                       format('%s_by_%s', target, name), target, name,
                       CASE WHEN name IN ('created_at', 'updated_at') THEN '' ELSE quote_ident(usual) || ',' END);
    END LOOP;
END $$;

CALL listed('organizations', 'name_folded', 'type', 'status', 'industry_key', 'owner_id', 'created_at', 'updated_at');
CALL listed('contacts', 'full_name_folded', 'type', 'is_active', 'company_key', 'email_folded', 'created_at', 'updated_at');
CALL listed('projects', 'title_folded', 'status_rank', 'start_date_key', 'due_date_key', 'audience', 'created_at',
            'updated_at');
CALL listed('tasks', 'order', 'title_folded', 'status_rank', 'priority_rank', 'due_date_key', 'audience', 'created_at',
            'updated_at');
CALL listed('documents', 'name_folded', 'audience', 'created_at', 'updated_at');

-- A function that finds the ids of rows by a condition that no index serves under row-level security; null when there
-- are more than `most`, when the tenant has few rows at all, or when they are so common that a walk in the list's order
-- meets them soon. `condition` is about the row x and the argument `wanted`, of the given type; `rows` is what to look
-- for instead of the plain condition, where an index takes that better.
CREATE PROCEDURE found_by(named text, target regclass, usual text, wanted_type text, condition text,
                          rows text DEFAULT NULL)
LANGUAGE plpgsql AS $$
BEGIN
    -- By a bitmap of an index of its own, whatever the planner thinks of a part that it has never seen.
    EXECUTE format($made$
        CREATE FUNCTION %1$I(tenant bigint, wanted %2$s, most int) RETURNS bigint[]
        LANGUAGE plpgsql STABLE SECURITY DEFINER
        SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
        SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off
        AS $body$
        BEGIN
            RETURN (SELECT array_agg(few.id) FROM (%3$s) few);
        END $body$ $made$, named || '_few', wanted_type,
        coalesce(rows, format('SELECT x.id FROM %s x WHERE x.tenant_id = tenant AND x.deleted_by IS NULL AND %s
                               LIMIT most + 1', target, condition)));
    EXECUTE format($made$
        CREATE FUNCTION %1$I(tenant bigint, wanted %4$s, most int) RETURNS bigint[]
        LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
        AS $body$
        DECLARE
            first CONSTANT int := 1000;
            met int;
            seen int;
            found bigint[];
        BEGIN
            SELECT count(*) FILTER (WHERE %5$s), count(*) INTO met, seen
            FROM (SELECT * FROM %2$s x WHERE x.tenant_id = tenant AND x.deleted_by IS NULL
                  ORDER BY x.%3$I, x.id LIMIT first) x;
            IF seen < first OR met >= 50 THEN
                RETURN NULL;
            END IF;
            found := %6$I(tenant, wanted, most);
            RETURN CASE WHEN cardinality(found) > most THEN NULL ELSE coalesce(found, '{}') END;
        END $body$ $made$, named, target, usual, wanted_type, condition, named || '_few');
END $$;

-- Names by a part. The list of entries still to be sorted in is kept short: a search reads all of it.
CREATE PROCEDURE found_by_part(named text, target regclass, usual text, name_column text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE INDEX %I ON %s USING gin (tenant_id, %I gin_trgm_ops)
                    WITH (fastupdate = on, gin_pending_list_limit = 256) WHERE deleted_by IS NULL',
                   format('%s_by_part', target), target, name_column);
    CALL found_by(named, target, usual, 'text', format('x.%I LIKE like_part(wanted)', name_column));
END $$;

CALL found_by_part('organizations_named', 'organizations', 'name_folded', 'name_folded');
CALL found_by_part('contacts_named', 'contacts', 'full_name_folded', 'full_name_folded');
CALL found_by_part('projects_named', 'projects', 'title_folded', 'title_folded');
CALL found_by_part('tasks_named', 'tasks', 'order', 'title_folded');
CALL found_by_part('documents_named', 'documents', 'name_folded', 'name_folded');

-- Metadata by values at paths: any of some objects that it contains.
CREATE PROCEDURE found_by_metadata(named text, target regclass, usual text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE INDEX %I ON %s USING gin (tenant_id, metadata jsonb_path_ops)
                    WHERE deleted_by IS NULL AND metadata IS NOT NULL', format('%s_by_metadata', target), target);
    CALL found_by(named, target, usual, 'jsonb[]', 'x.metadata @> ANY (wanted)', format(
        'SELECT DISTINCT y.id FROM unnest(wanted) w, LATERAL (SELECT x.id FROM %s x
             WHERE x.tenant_id = tenant AND x.deleted_by IS NULL AND x.metadata IS NOT NULL AND x.metadata @> w
             LIMIT most + 1) y', target));
END $$;

CALL found_by_metadata('organizations_with_metadata', 'organizations', 'name_folded');
CALL found_by_metadata('contacts_with_metadata', 'contacts', 'full_name_folded');

-- Tags by any of some.
CREATE INDEX organizations_by_tag ON organizations USING gin (tenant_id, tags_folded)
    WHERE deleted_by IS NULL AND tags_folded <> '{}';
CALL found_by('organizations_tagged', 'organizations', 'name_folded', 'text[]',
              $$x.tags_folded <> '{}' AND x.tags_folded && wanted$$);

-- What is generated from other columns is never written down in the journal.
CALL journalled('organizations');
CALL journalled('contacts');
CALL journalled('projects');
CALL journalled('tasks');
