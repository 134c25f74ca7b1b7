-- Lists and searches whose work does not grow with what is found (docs/decisions/0014).

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60min';

-- A list in its usual order knows from its index alone when each row was made and changed: a range of dates is looked for
-- without the rows. (Every change of a row enters every index as it is, for the time of the change stands in one.)
-- squawk-ignore-file require-concurrent-index-creation
CREATE PROCEDURE ordered(target regclass, index text, usual text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP INDEX %I', index);
    EXECUTE format('CREATE INDEX %I ON %s (tenant_id, %I, id) INCLUDE (created_at, updated_at) WHERE deleted_by IS NULL',
                   index, target, usual);
END $$;

CALL ordered('organizations', 'organizations_by_name', 'name_folded');
CALL ordered('contacts', 'contacts_by_name', 'full_name_folded');
CALL ordered('projects', 'projects_by_title', 'title_folded');
CALL ordered('tasks', 'tasks_by_order', 'order');
CALL ordered('documents', 'documents_by_name', 'name_folded');
CALL ordered('activities', 'activities_by_happened_at', 'happened_at');

-- As before, but what decides whether so many rows meet a filter that the list is better walked is 5 of its first 500, not
-- 50 of 1,000: a page of 50 is met among some 5,000 rows then, and where fewer do, few are looked up in vain.
CREATE OR REPLACE PROCEDURE found_by(named text, target regclass, usual text, wanted_type text, condition text,
                                     rows text DEFAULT NULL)
LANGUAGE plpgsql AS $$
BEGIN
    -- By a bitmap of an index of its own, whatever the planner thinks of a part that it has never seen.
    EXECUTE format($made$
        CREATE OR REPLACE FUNCTION %1$I(tenant bigint, wanted %2$s, most int) RETURNS bigint[]
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
        CREATE OR REPLACE FUNCTION %1$I(tenant bigint, wanted %4$s, most int) RETURNS bigint[]
        LANGUAGE plpgsql STABLE SECURITY DEFINER
        SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
        AS $body$
        DECLARE
            first CONSTANT int := 500;
            met int;
            seen int;
            found bigint[];
        BEGIN
            SELECT count(*) FILTER (WHERE %5$s), count(*) INTO met, seen
            FROM (SELECT * FROM %2$s x WHERE x.tenant_id = tenant AND x.deleted_by IS NULL
                  ORDER BY x.%3$I, x.id LIMIT first) x;
            IF seen < first OR met >= 5 THEN
                RETURN NULL;
            END IF;
            found := %6$I(tenant, wanted, most);
            RETURN CASE WHEN cardinality(found) > most THEN NULL ELSE coalesce(found, '{}') END;
        END $body$ $made$, named, target, usual, wanted_type, condition, named || '_few');
END $$;

DO $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT * FROM (VALUES
        ('organizations', 'name_folded', 'name_folded'), ('contacts', 'full_name_folded', 'full_name_folded'),
        ('projects', 'title_folded', 'title_folded'), ('tasks', 'order', 'title_folded'),
        ('documents', 'name_folded', 'name_folded')) noun (target, usual, named)
    LOOP
        CALL found_by(each.target || '_named', each.target, each.usual, 'text',
                      format('x.%I LIKE like_part(wanted)', each.named));
    END LOOP;
    FOR each IN SELECT * FROM (VALUES ('organizations', 'name_folded'), ('contacts', 'full_name_folded')) noun (target, usual)
    LOOP
        CALL found_by(each.target || '_with_metadata', each.target, each.usual, 'jsonb[]', 'x.metadata @> ANY (wanted)',
            format('SELECT DISTINCT y.id FROM unnest(wanted) w, LATERAL (SELECT x.id FROM %s x
                        WHERE x.tenant_id = tenant AND x.deleted_by IS NULL AND x.metadata IS NOT NULL AND x.metadata @> w
                        LIMIT most + 1) y', each.target));
    END LOOP;
END $$;
CALL found_by('organizations_tagged', 'organizations', 'name_folded', 'text[]',
              $$x.tags_folded <> '{}' AND x.tags_folded && wanted$$);

-- What a row's texts have at least when its words are those that are sought: looked at before they are taken apart, which
-- takes ten times as long. Of words that stand for others nothing is known.
ALTER TYPE sought ADD ATTRIBUTE needs text[];

-- `loosely`: every word may also stand for others like it; those that stand for nothing are left out, or else the most
-- common one of several.
CREATE OR REPLACE FUNCTION sought(tenant bigint, q text, loosely boolean DEFAULT false) RETURNS sought
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET enable_seqscan = off SET enable_indexscan = on AS $$
DECLARE
    typed text[] := (string_to_array(plain(q), ' '))[1:8];
    each text;
    others text[];
    beginning int;
    uses bigint;
    is_whole boolean;
    is_few boolean;
    few boolean[] := '{}';
    keys boolean[] := '{}';
    commonness bigint[] := '{}';
    named text[] := '{}';
    told text[] := '{}';
    key_named text[] := '{}';
    key_told text[] := '{}';
    needs text[] := '{}';
    kept boolean[];
    result sought;
BEGIN
    result.phrase := fold(trim(q));
    result.patterns := '{}';
    result.meant := '{}';
    FOREACH each IN ARRAY typed LOOP
        CONTINUE WHEN '%' || each || '%' = ANY (result.patterns);
        SELECT count(*), coalesce(sum(w.uses), 0), coalesce(bool_or(w.word = each), false) INTO beginning, uses, is_whole
        FROM (SELECT v.word, v.uses FROM words v WHERE v.tenant_id = tenant AND v.word >= each COLLATE "C"
                  AND v.word < each || U&'\+10FFFF' COLLATE "C" ORDER BY v.word LIMIT 100) w;
        others := CASE WHEN beginning = 0 OR loosely THEN corrections(tenant, each, 5) ELSE '{}' END;
        uses := uses + coalesce((SELECT sum(v.uses) FROM words v
                                 WHERE v.tenant_id = tenant AND v.word = ANY (others) AND v.word <> each), 0);
        is_few := length(each) > 1 AND beginning < 100 AND uses <= 5000;
        few := few || is_few;
        keys := keys || (is_few OR is_whole OR others <> '{}');
        commonness := commonness || CASE WHEN uses > 0 THEN uses END;
        named := named || either(tenant || '/', each, true, others);
        told := told || either(tenant || '/', each, true, others, tenant || ':');
        key_named := key_named || either(tenant || '/', each, is_few, others);
        key_told := key_told || either(tenant || '/', each, is_few, others, tenant || ':');
        result.patterns := result.patterns || ('%' || each || '%');
        needs := needs || CASE WHEN others = '{}' THEN '%' || each || '%' END;
        result.meant := result.meant || each || others;
    END LOOP;
    kept := CASE WHEN loosely THEN all_but_the_least(commonness) ELSE array_fill(true, ARRAY[cardinality(named)]) END;
    result.is_common := NOT EXISTS (SELECT FROM unnest(few, kept) AS one (is_few, is_kept) WHERE one.is_few AND one.is_kept);
    result.names := every(named, kept, kept);
    result.texts := every(told, kept, kept);
    result.key_names := every(key_named, CASE WHEN result.is_common THEN keys ELSE few END, kept);
    result.key_texts := every(key_told, CASE WHEN result.is_common THEN keys ELSE few END, kept);
    result.needs := ARRAY(SELECT need FROM unnest(needs, kept) AS one (need, is_kept) WHERE is_kept AND need IS NOT NULL);
    RETURN result;
END $$;

-- Whether a text may have what is needed: it has, or is not plain ASCII and so may have it folded.
CREATE FUNCTION may_have(told text, needs text[]) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 10 AS $$
BEGIN
    RETURN lower(told COLLATE "C") LIKE ALL (needs) OR octet_length(told) <> length(told);
END $$;

-- One way to make a table searchable, used by every migration that makes one or adds a text to one: the index of its
-- words, and the functions that read it. `named` is the column of the name, `folded` that of its folded form, which an
-- index begins with after the tenant, `told` the other texts: columns, or functions of one column. What is written goes to the
-- index's list of what is pending, which a search reads as well, and the indexer sorts in: putting twenty words in their
-- places costs a writer half of a create.
CREATE OR REPLACE PROCEDURE searchable(target text, named text, folded text, told text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP INDEX IF EXISTS %I', target || '_search');
    EXECUTE format('CREATE INDEX %I ON %I USING gin (search_terms(tenant_id, %s, %s)) WHERE deleted_by IS NULL',
                   target || '_search', target, named, told);
    CALL found_by_words(target, named, folded, told);
END $$;

CREATE PROCEDURE found_by_words(target text, named text, folded text, told text)
LANGUAGE plpgsql AS $procedure$
DECLARE
    terms CONSTANT text := format('search_terms(tenant_id, %s, %s)', named, told);
    texts CONSTANT text := format('concat_ws('' '', %s, %s)', named, regexp_replace(told, '\w+\((\w+)\)', '\1', 'g'));
BEGIN
    -- Every live row that has each of the words, at most so many, in no order: for filters. The words name the tenant, so
    -- the index of words alone is asked; the tenant's whole index beside it would take longer. It is asked for uncommon
    -- words where there are any: of a common one it would read all that have it.
    EXECUTE format('DROP FUNCTION IF EXISTS %I(bigint, text, int)', target || '_matching');
    EXECUTE format($definition$
        CREATE OR REPLACE FUNCTION %1$s_matching(tenant bigint, asked sought, most int) RETURNS SETOF bigint
        LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
        SET search_path = public, pg_temp SET enable_seqscan = off SET enable_indexscan = off AS $$
        BEGIN
            IF asked.is_common OR asked.key_texts = asked.texts THEN
                RETURN QUERY SELECT r.id FROM (
                    SELECT r.tenant_id, r.id FROM %1$s r WHERE deleted_by IS NULL AND %2$s @@ asked.texts LIMIT most) r
                    WHERE r.tenant_id = tenant;
            ELSE
                RETURN QUERY SELECT r.id FROM (
                    SELECT * FROM %1$s r WHERE deleted_by IS NULL AND %2$s @@ asked.key_texts OFFSET 0) r
                    WHERE r.tenant_id = tenant AND may_have(%3$s, asked.needs) AND %2$s @@ asked.texts LIMIT most;
            END IF;
        END $$ $definition$, target, terms, texts);

    -- The same as an array; null where there are more than `most`, or so many that a walk in the list's order meets them
    -- soon, as the functions of found_by say it.
    EXECUTE format($definition$
        CREATE OR REPLACE FUNCTION %1$s_few_matching(tenant bigint, q text, most int) RETURNS bigint[]
        LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
            asked sought := sought(tenant, q);
            found bigint[];
        BEGIN
            IF asked.texts IS NULL THEN
                RETURN '{}';
            END IF;
            IF asked.is_common AND 5 = (SELECT count(*) FROM (SELECT FROM (
                    SELECT * FROM %1$s r WHERE r.tenant_id = tenant AND r.deleted_by IS NULL ORDER BY r.%4$s LIMIT 500) r
                    WHERE may_have(%3$s, asked.needs) AND %2$s @@ asked.texts LIMIT 5) met) THEN
                RETURN NULL;
            END IF;
            found := ARRAY(SELECT %1$s_matching(tenant, asked, most + 1));
            RETURN CASE WHEN cardinality(found) <= most THEN found END;
        END $$ $definition$, target, terms, texts, folded);

    -- Whether a row has each of them, for where they are so common that a list is walked instead. It becomes a part of the
    -- statement that names it: a call for each row would take as long as the words do. (CASE: of what is compared the
    -- planner would think that few rows have it, and sort them all.)
    EXECUTE format('DROP FUNCTION IF EXISTS %I(%I, sought)', target || '_matches', target);
    EXECUTE format($definition$
        CREATE OR REPLACE FUNCTION %1$s_matches(x %1$I, needs text[], texts tsquery) RETURNS boolean
        LANGUAGE sql STABLE AS $$
            SELECT CASE WHEN may_have(%2$s, needs) THEN %3$s @@ texts ELSE false END $$ $definition$, target,
        regexp_replace(texts, '(\w+)(?=[,)])', 'x.\1', 'g'), regexp_replace(terms, '(\w+)(?=[,)])', 'x.\1', 'g'));

    -- The rows worth ranking, best kinds of match first; a row may come twice. `place` is 3 for a name that begins with
    -- the phrase, 2 for words in the name, 1 for words anywhere. The work is bounded however common the words are: the
    -- index is asked for uncommon words, and common ones, which stand in many rows, are met among the newest. `within`
    -- are the rows that the viewer sees, where that is not all.
    EXECUTE format($definition$
        CREATE OR REPLACE FUNCTION %1$s_found(tenant bigint, asked sought, within bigint[], most int)
        RETURNS TABLE (hit bigint, place int)
        LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = public, pg_temp SET enable_seqscan = off AS $$
        DECLARE
            so_far int := 0;
            more int;
        BEGIN
            IF asked.texts IS NULL THEN
                RETURN;
            END IF;
            IF within IS NOT NULL THEN
                RETURN QUERY SELECT * FROM %1$s_within(tenant, asked, within, most);
                RETURN;
            END IF;
            RETURN QUERY SELECT r.id, 3 FROM %1$s r
                WHERE r.tenant_id = tenant AND r.deleted_by IS NULL AND %4$s >= asked.phrase
                    AND %4$s < asked.phrase || U&'\+10FFFF' ORDER BY %4$s LIMIT most / 2;
            GET DIAGNOSTICS so_far = ROW_COUNT;
            IF asked.is_common THEN
                RETURN QUERY SELECT newest.id, 2 FROM (
                        SELECT r.id, %4$s AS folded, r.%2$s FROM %1$s r
                        WHERE r.tenant_id = tenant AND r.deleted_by IS NULL ORDER BY r.id DESC LIMIT 2000) newest
                    WHERE folded LIKE ALL (asked.needs) AND search_terms(tenant, %2$s) @@ asked.names LIMIT most;
                GET DIAGNOSTICS more = ROW_COUNT;
                so_far := so_far + more;
            END IF;
            IF asked.key_names IS NOT NULL AND NOT (asked.is_common AND so_far >= most / 4) THEN
                RETURN QUERY SELECT r.id, 2 FROM (
                        SELECT tenant_id, id, %2$s, %4$s AS folded FROM %1$s
                        WHERE deleted_by IS NULL
                            AND search_terms(tenant_id, %2$s, %3$s) @@ asked.key_names
                        LIMIT CASE WHEN asked.is_common THEN 300 ELSE 1000 END) r
                    WHERE r.tenant_id = tenant AND (asked.key_names = asked.names
                        OR r.folded LIKE ALL (asked.needs) AND search_terms(tenant, %2$s) @@ asked.names) LIMIT most;
                GET DIAGNOSTICS more = ROW_COUNT;
                so_far := so_far + more;
            END IF;
            IF so_far < (CASE WHEN asked.is_common THEN most / 4 ELSE most / 2 END) THEN
                RETURN QUERY SELECT * FROM %1$s_told(tenant, asked, most);
            END IF;
        END $$ $definition$, target, named, told, folded);

    EXECUTE format($definition$
        CREATE OR REPLACE FUNCTION %1$s_told(tenant bigint, asked sought, most int)
        RETURNS TABLE (hit bigint, place int)
        LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = public, pg_temp SET enable_seqscan = off AS $$
        DECLARE
            so_far int := 0;
        BEGIN
            IF asked.is_common THEN
                RETURN QUERY SELECT newest.id, 1 FROM (
                        SELECT * FROM %1$s r
                        WHERE r.tenant_id = tenant AND r.deleted_by IS NULL ORDER BY r.id DESC LIMIT 1500) newest
                    WHERE may_have(%4$s, asked.needs) AND search_terms(tenant_id, %2$s, %3$s) @@ asked.texts LIMIT most;
                GET DIAGNOSTICS so_far = ROW_COUNT;
            END IF;
            IF asked.key_texts IS NOT NULL AND NOT (asked.is_common AND so_far >= 20) THEN
                RETURN QUERY SELECT r.id, 1 FROM (
                        SELECT * FROM %1$s
                        WHERE deleted_by IS NULL
                            AND search_terms(tenant_id, %2$s, %3$s) @@ asked.key_texts
                        LIMIT CASE WHEN asked.is_common THEN 200 ELSE 500 END) r
                    WHERE r.tenant_id = tenant AND (asked.key_texts = asked.texts
                        OR may_have(%4$s, asked.needs) AND search_terms(tenant, %2$s, %3$s) @@ asked.texts) LIMIT most;
            END IF;
        END $$ $definition$, target, named, told, texts);
END $procedure$;

CALL found_by_words('organizations', 'name', 'name_folded',
                    'industry, site(website), description, external_id, spaced(domains), spaced(tags)');
CALL found_by_words('contacts', 'full_name', 'full_name_folded', 'email, mention_name, company, title, department');
CALL found_by_words('projects', 'title', 'title_folded', 'description');
CALL found_by_words('tasks', 'title', 'title_folded', 'description');
CALL found_by_words('documents', 'name', 'name_folded', 'description');
CALL found_by_words('activities', 'title', 'title_folded', 'text');
