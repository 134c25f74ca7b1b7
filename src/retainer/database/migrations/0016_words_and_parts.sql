-- Filters find their rows in the order of the list, and parts of names by an index of their own (docs/decisions/0017).

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60min';

-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion, ban-drop-function
-- (The tables that can be searched are written anew, a million organizations in two minutes. What is dropped only
-- migrations and other functions call.)

-- What is indexed of a name for its parts: from each of its letters on, four in a row behind the tenant ('42/acme', at the
-- end fewer). Three, as pg_trgm has them, stand in many names, and to meet those of other tenants too took ten times as
-- long; of one or two letters it reads the whole index, where a beginning is looked up here.
CREATE FUNCTION name_parts(tenant bigint, name text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 AS $$
DECLARE
    tag CONSTANT text := tenant || '/';
    found text[] := array_fill(''::text, ARRAY[length(name)]);
BEGIN
    FOR i IN 1 .. length(name) LOOP
        found[i] := tag || substr(name, i, 4);
    END LOOP;
    RETURN array_to_tsvector(found);
END $$;

-- The names that have a part, for that index: all of its fours, or of less than four letters what begins with them.
CREATE FUNCTION having_part(tenant bigint, part text) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    folded CONSTANT text := fold(part);
BEGIN
    IF length(folded) < 4 THEN
        RETURN (format('''%s''', tenant || '/' || escaped(folded)) || ':*')::tsquery;
    END IF;
    RETURN (SELECT string_agg(DISTINCT format('''%s''', tenant || '/' || escaped(substr(folded, i, 4))), '&')
            FROM generate_series(1, length(folded) - 3) i)::tsquery;
END $$;

-- A text between the quotes of a tsquery.
CREATE FUNCTION escaped(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN replace(replace(value, '\', '\\'), '''', '''''');

-- As before (migration 0014), but the ids come in the list's usual order: its first page then reads its own rows alone.
-- `rows` have an id and that column, named place.
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
            RETURN (SELECT array_agg(few.id ORDER BY few.place, few.id) FROM (%3$s) few);
        END $body$ $made$, named || '_few', wanted_type,
        coalesce(rows, format('SELECT x.id, x.%I AS place FROM %s x
                               WHERE x.tenant_id = tenant AND x.deleted_by IS NULL AND %s LIMIT most + 1',
                              usual, target, condition)));
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

-- The index of parts asks for the tenant itself; the tenant's own index beside it would be read whole.
CREATE OR REPLACE PROCEDURE found_by_part(named text, target regclass, usual text, name_column text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP INDEX IF EXISTS %I', format('%s_by_part', target));
    EXECUTE format('CREATE INDEX %I ON %s USING gin (name_parts(tenant_id, %I)) WITH (gin_pending_list_limit = 256)
                    WHERE deleted_by IS NULL',
                   format('%s_by_part', target), target, name_column);
    CALL found_by(named, target, usual, 'text', format('x.%I LIKE like_part(wanted)', name_column), format(
        'SELECT x.id, x.place FROM (
             SELECT x.tenant_id, x.id, x.%1$I AS place, x.%2$I AS name FROM %3$s x
             WHERE x.deleted_by IS NULL AND name_parts(x.tenant_id, x.%2$I) @@ having_part(tenant, wanted) OFFSET 0) x
         WHERE x.tenant_id = tenant AND x.name LIKE like_part(wanted) LIMIT most + 1', usual, name_column, target));
END $$;

CALL found_by_part('organizations_named', 'organizations', 'name_folded', 'name_folded');
CALL found_by_part('contacts_named', 'contacts', 'full_name_folded', 'full_name_folded');
CALL found_by_part('projects_named', 'projects', 'title_folded', 'title_folded');
CALL found_by_part('tasks_named', 'tasks', 'order', 'title_folded');
CALL found_by_part('documents_named', 'documents', 'name_folded', 'name_folded');

DROP PROCEDURE found_by_metadata(text, regclass, text);  -- what it made has no place
DO $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT * FROM (VALUES ('organizations', 'name_folded'), ('contacts', 'full_name_folded')) noun (target, usual)
    LOOP
        CALL found_by(each.target || '_with_metadata', each.target, each.usual, 'jsonb[]', 'x.metadata @> ANY (wanted)',
            format('SELECT DISTINCT y.id, y.place FROM unnest(wanted) w, LATERAL (
                        SELECT x.id, x.%I AS place FROM %s x
                        WHERE x.tenant_id = tenant AND x.deleted_by IS NULL AND x.metadata IS NOT NULL AND x.metadata @> w
                        LIMIT most + 1) y', each.usual, each.target));
    END LOOP;
END $$;

-- Tags, each behind its tenant: of a tag the index then has no other tenant's rows, nor to pass over those without it.
CREATE FUNCTION tags_of(tenant bigint, tags text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN ARRAY(SELECT tenant || '/' || tag FROM unnest(tags) tag);
END $$;
DROP INDEX organizations_by_tag;
CREATE INDEX organizations_by_tag ON organizations USING gin (tags_of(tenant_id, tags_folded))
    WHERE deleted_by IS NULL AND tags_folded <> '{}';
CALL found_by('organizations_tagged', 'organizations', 'name_folded', 'text[]', 'x.tags_folded && wanted',
    $$SELECT x.id, x.place FROM (
          SELECT x.tenant_id, x.id, x.name_folded AS place FROM organizations x
          WHERE x.deleted_by IS NULL AND x.tags_folded <> '{}'
              AND tags_of(x.tenant_id, x.tags_folded) && tags_of(tenant, wanted) OFFSET 0) x
      WHERE x.tenant_id = tenant LIMIT most + 1$$);

-- Documents of a format, likewise, and of those alone that are there.
CREATE OR REPLACE FUNCTION documents_few_of_format(tenant bigint, wanted text, most integer) RETURNS bigint []
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN count(*) <= most THEN coalesce(array_agg(few.id ORDER BY few.name_folded, few.id), '{}') END
    FROM (
        (SELECT d.id, d.name_folded
         FROM document_versions v
         JOIN documents d ON d.tenant_id = v.tenant_id AND d.id = v.document_id AND d.latest = v.number
         WHERE v.tenant_id = tenant AND document_format(v.media_type) = wanted AND d.deleted_by IS NULL
         LIMIT most + 1)
        UNION ALL
        (SELECT d.id, d.name_folded FROM documents d
         WHERE d.tenant_id = tenant AND d.link IS NOT NULL AND wanted = 'link' AND d.deleted_by IS NULL
         LIMIT most + 1)
    ) few;
END;

-- The words of a row as search compares them, kept beside it: those of its name, a slash, those of its other texts. What
-- is common is met by looking at rows, and that took them apart anew, 20 µs a row where a look takes one.
CREATE FUNCTION words_of(name text, VARIADIC told text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN concat(' ', public.plain(name), ' / ', public.plain(array_to_string(told, ' ')));
END $$;

-- What is indexed of them: '42/acme' for a word of the name, '42:zurich' for another (docs/decisions/0010).
CREATE FUNCTION word_terms(tenant bigint, words text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 AS $$
DECLARE
    named CONSTANT text := trim(split_part(words, '/', 1));
    told CONSTANT text := trim(split_part(words, '/', 2));
    terms text := '';
BEGIN
    IF named <> '' THEN
        terms := tenant || '/' || replace(named, ' ', ' ' || tenant || '/');
    END IF;
    IF told <> '' THEN
        terms := terms || ' ' || tenant || ':' || replace(told, ' ', ' ' || tenant || ':');
    END IF;
    RETURN array_to_tsvector(string_to_array(trim(terms), ' '));
END $$;

-- The words of what was typed that count.
CREATE FUNCTION typed_words(q text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN (string_to_array(plain(q), ' '))[1:8];
END $$;

-- What a row needs by what was typed alone: each as the beginning of a word. Null, which no row meets, where that has none.
CREATE FUNCTION needs_of(q text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN (SELECT array_agg('% ' || word || '%') FROM unnest(typed_words(q)) word);
END $$;

-- Whether the tenant has words that begin with each of them: then they stand for themselves alone.
CREATE FUNCTION all_known(tenant bigint, q text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    typed text COLLATE "C";
BEGIN
    FOREACH typed IN ARRAY typed_words(q) LOOP
        PERFORM FROM words w WHERE w.tenant_id = tenant AND w.word >= typed AND w.word < typed || U&'\+10FFFF';
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END $$;

-- One of 256 bits for the first three letters of each word. A row that lacks one of those of a search lacks a word of it:
-- that a list knows from its index alone, and looks only at the other rows.
CREATE FUNCTION bits_of(words text) RETURNS bit
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    bits bit(256) := B'0'::bit(256);
    word text;
BEGIN
    FOREACH word IN ARRAY string_to_array(words, ' ') LOOP
        IF length(word) > 2 THEN
            bits := set_bit(bits, (31 * (31 * ascii(word) + ascii(substr(word, 2))) + ascii(substr(word, 3))) % 256, 1);
        END IF;
    END LOOP;
    RETURN bits;
END $$;

-- `needs` are patterns for LIKE that a row's words meet exactly when they have each of those sought, `name_needs` the same
-- of its name, `bits` their bits. Where some stand for others too they say it of the rest alone, and `beyond` and
-- `names_beyond` are what is to be looked at besides.
ALTER TYPE sought
    ADD ATTRIBUTE name_needs text[],
    ADD ATTRIBUTE bits bit(256),
    ADD ATTRIBUTE beyond tsquery,
    ADD ATTRIBUTE names_beyond tsquery;

-- Whether a row with these words is meant.
CREATE FUNCTION are_meant(tenant bigint, words text, needs text[], beyond tsquery) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 10 AS $$
BEGIN
    RETURN words LIKE ALL (needs) AND (beyond IS NULL OR public.word_terms(tenant, words) @@ beyond);
END $$;

-- As before (migration 0010); but how often a word is used, which no index tells, is read of those alone that are near.
CREATE OR REPLACE FUNCTION corrections(tenant bigint, typed text, most int) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    size int := length(typed);
    allowed int := CASE WHEN size < 4 THEN 0 WHEN size < 8 THEN 1 ELSE 2 END;
    part int := greatest(1, (size - allowed) / (allowed + 1));
    head text COLLATE "C" := left(typed, part);
    tail text COLLATE "C" := left(reverse(typed), part);
BEGIN
    IF allowed = 0 OR size > 40 THEN
        RETURN ARRAY[]::text[];
    END IF;
    RETURN ARRAY(
        SELECT near.word
        FROM (
            SELECT w.word FROM words w
            WHERE w.tenant_id = tenant AND w.word >= head AND w.word < head || U&'\+10FFFF' AND CASE
                WHEN length(w.word) < size - 2 THEN false
                WHEN length(w.word) <= size + 2 THEN levenshtein_less_equal(w.word, typed, 2) <= 2
                ELSE size > 4 AND levenshtein_less_equal(left(w.word, size), typed, 1) <= 1 END
            UNION
            SELECT w.word FROM words w
            WHERE w.tenant_id = tenant AND reverse(w.word) >= tail AND reverse(w.word) < tail || U&'\+10FFFF'
                AND length(w.word) BETWEEN size - 2 AND size + 2 AND levenshtein_less_equal(w.word, typed, 2) <= 2
        ) near, LATERAL errors(typed, near.word) AS distance, LATERAL (
            SELECT w.uses FROM words w WHERE w.tenant_id = tenant AND w.word = near.word OFFSET 0) known
        WHERE distance <= allowed
        ORDER BY distance, known.uses DESC, near.word
        LIMIT most);
END $$;

-- The parts that are chosen, and kept, together. Null when there is none.
CREATE OR REPLACE FUNCTION every(parts text[], chosen boolean[], kept boolean[]) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    together text;
BEGIN
    FOR i IN 1 .. coalesce(cardinality(parts), 0) LOOP
        IF chosen[i] AND kept[i] THEN
            together := concat_ws('&', together, parts[i]);
        END IF;
    END LOOP;
    RETURN together::tsquery;
END $$;

-- As before (migration 0014), but for what is needed.
CREATE OR REPLACE FUNCTION sought(tenant bigint, q text, loosely boolean DEFAULT false) RETURNS sought
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    typed text[] := typed_words(q);
    each text;
    others text[];
    beginning int;
    uses bigint;
    is_whole boolean;
    is_begun boolean;
    is_few boolean;
    is_named boolean;
    begun text[];
    all_others text[];
    few boolean[] := '{}';
    rare boolean[] := '{}';
    keys boolean[] := '{}';
    plainly text[] := '{}';
    commonness bigint[] := '{}';
    named text[] := '{}';
    told text[] := '{}';
    key_named text[] := '{}';
    key_told text[] := '{}';
    kept boolean[];
    result sought;
BEGIN
    result.phrase := fold(trim(q));
    result.patterns := '{}';
    result.meant := '{}';
    result.needs := '{}';
    result.name_needs := '{}';
    result.bits := B'0'::bit(256);
    result.is_common := true;
    FOREACH each IN ARRAY typed LOOP
        CONTINUE WHEN '%' || each || '%' = ANY (result.patterns);
        SELECT count(*), coalesce(sum(w.uses), 0), coalesce(bool_or(w.word = each), false), array_agg(w.word)
        INTO beginning, uses, is_whole, begun
        FROM (SELECT v.word, v.uses FROM words v WHERE v.tenant_id = tenant AND v.word >= each COLLATE "C"
                  AND v.word < each || U&'\+10FFFF' COLLATE "C" ORDER BY v.word LIMIT 100) w;
        others := '{}';
        IF beginning = 0 OR loosely THEN
            others := corrections(tenant, each, 5);
            uses := uses + coalesce((SELECT sum(v.uses) FROM words v
                                     WHERE v.tenant_id = tenant AND v.word = ANY (others) AND v.word <> each), 0);
        END IF;
        is_begun := uses <= 5000 AND beginning < (CASE WHEN length(each) > 1 THEN 100 ELSE 9 END);
        is_few := is_begun AND length(each) > 1;  -- (words of one letter are not counted)
        -- What begins with a common word is named where it is little: whatever begins so, an index gathers first, which
        -- takes six times as long. (A word that was new a moment ago is not known yet, and one of more than 40 letters never.)
        is_named := uses > 5000 AND beginning BETWEEN 1 AND 8;
        all_others := CASE WHEN is_named THEN array_remove(begun, each) || others ELSE others END;
        few := few || is_few;
        rare := rare || (is_few AND uses <= 200);
        keys := keys || (is_begun OR is_named OR is_whole OR others <> '{}');
        plainly := plainly || CASE WHEN others = '{}' THEN each END;
        commonness := commonness || CASE WHEN uses > 0 THEN uses END;
        named := named || either(tenant || '/', each, NOT is_named, all_others);
        told := told || either(tenant || '/', each, NOT is_named, all_others, tenant || ':');
        key_named := key_named || either(tenant || '/', each, is_begun, all_others);
        key_told := key_told || either(tenant || '/', each, is_begun, all_others, tenant || ':');
        result.patterns := result.patterns || ('%' || each || '%');
        result.meant := result.meant || each || others;
    END LOOP;
    kept := CASE WHEN loosely THEN all_but_the_least(commonness) ELSE array_fill(true, ARRAY[cardinality(named)]) END;
    IF EXISTS (SELECT FROM unnest(rare, kept) AS one (is_rare, is_kept) WHERE one.is_rare AND one.is_kept) THEN
        few := rare;  -- beside these it is cheaper to look at the rows than at the others' lists
    END IF;
    FOR i IN 1 .. cardinality(named) LOOP
        CONTINUE WHEN NOT kept[i];
        result.is_common := result.is_common AND NOT few[i];
        IF plainly[i] IS NOT NULL THEN
            result.bits := result.bits | bits_of(plainly[i]);
            result.needs := result.needs || ('% ' || plainly[i] || '%');
            result.name_needs := result.name_needs || ('% ' || plainly[i] || '%/%');
        END IF;
    END LOOP;
    result.names := every(named, kept, kept);
    result.texts := every(told, kept, kept);
    result.key_names := every(key_named, CASE WHEN result.is_common THEN keys ELSE few END, kept);
    result.key_texts := every(key_told, CASE WHEN result.is_common THEN keys ELSE few END, kept);
    IF array_position(plainly, NULL) IS NOT NULL THEN
        result.beyond := result.texts;
        result.names_beyond := result.names;
    END IF;
    RETURN result;
END $$;

-- One way to make a table searchable, used by every migration that makes one or adds a text to one: the column of its
-- words, their index, and the functions that read it. `named` is the name as a generated column may have it, `told` the
-- other texts likewise, `folded` the column of the name folded, `usual` the one that its list goes by; an index begins with
-- each of the two after the tenant. What is written goes to the index's list of what is pending, which a search reads as
-- well, and the indexer sorts in: putting twenty words in their places costs a writer half of a create.
DROP PROCEDURE found_by_words(text, text, text, text);
DROP PROCEDURE searchable(text, text, text, text);
DROP PROCEDURE ordered(regclass, text, text);
CREATE PROCEDURE searchable(target text, named text, told text, folded text, usual text)
LANGUAGE plpgsql AS $procedure$
DECLARE
    listing CONSTANT text := format('%s_by_%s', target, replace(usual, '_folded', ''));
BEGIN
    EXECUTE format('DROP INDEX IF EXISTS %I', target || '_search');
    -- (A generated column may not be made of another one: the words are folded for each.)
    EXECUTE format('ALTER TABLE %1$I DROP COLUMN IF EXISTS words, DROP COLUMN IF EXISTS word_bits,
                        ADD COLUMN words text COLLATE "C" GENERATED ALWAYS AS (words_of(%2$s, %3$s)) STORED,
                        ADD COLUMN word_bits bit(256) GENERATED ALWAYS AS (bits_of(words_of(%2$s, %3$s))) STORED',
                   target, named, told);
    EXECUTE format('DROP INDEX IF EXISTS %I', listing);
    EXECUTE format('CREATE INDEX %I ON %I (tenant_id, %I, id) INCLUDE (created_at, updated_at, word_bits)
                    WHERE deleted_by IS NULL', listing, target, usual);
    CALL journalled(target::regclass);
    EXECUTE format('CREATE INDEX %I ON %I USING gin (word_terms(tenant_id, words)) WHERE deleted_by IS NULL',
                   target || '_search', target);

    -- Every live row that has each of the words, at most so many, in the list's usual order: for filters. The words name
    -- the tenant, so the index of words alone is asked; the tenant's whole index beside it would take longer. It is asked
    -- for uncommon words where there are any: of a common one it would read all that have it.
    EXECUTE format('DROP FUNCTION IF EXISTS %I(bigint, sought, int)', target || '_matching');
    EXECUTE format($definition$
        CREATE FUNCTION %1$s_matching(tenant bigint, asked sought, most int) RETURNS bigint[]
        LANGUAGE plpgsql STABLE SECURITY DEFINER
        SET search_path = public, pg_temp SET enable_seqscan = off SET enable_indexscan = off AS $$
        BEGIN
            IF asked.is_common OR asked.key_texts = asked.texts THEN
                RETURN (SELECT array_agg(r.id ORDER BY r.%3$I, r.id) FROM (
                    SELECT r.tenant_id, r.id, r.%3$I FROM %1$s r
                    WHERE r.deleted_by IS NULL AND word_terms(r.tenant_id, r.words) @@ asked.texts LIMIT most) r
                    WHERE r.tenant_id = tenant);
            END IF;
            RETURN (SELECT array_agg(r.id ORDER BY r.%3$I, r.id) FROM (
                SELECT r.id, r.%3$I FROM (
                    SELECT r.tenant_id, r.id, r.words, r.%3$I FROM %1$s r
                    WHERE r.deleted_by IS NULL AND word_terms(r.tenant_id, r.words) @@ asked.key_texts OFFSET 0) r
                WHERE r.tenant_id = tenant AND r.words LIKE ALL (asked.needs)
                    AND (asked.beyond IS NULL OR word_terms(tenant, r.words) @@ asked.beyond) LIMIT most) r);
        END $$ $definition$, target, folded, usual);

    -- The same; null where there are more than `most`, or so many that a walk in the list's order meets them soon, as the
    -- functions of found_by say it.
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
                    SELECT r.id, r.word_bits FROM %1$s r WHERE r.tenant_id = tenant AND r.deleted_by IS NULL
                    ORDER BY r.%3$I, r.id LIMIT 500) r
                    WHERE r.word_bits & asked.bits = asked.bits AND (
                        SELECT are_meant(tenant, w.words, asked.needs, asked.beyond) FROM %1$s w
                        WHERE w.tenant_id = tenant AND w.id = r.id) LIMIT 5) met) THEN
                RETURN NULL;
            END IF;
            found := coalesce(%1$s_matching(tenant, asked, most + 1), '{}');
            RETURN CASE WHEN cardinality(found) <= most THEN found END;
        END $$ $definition$, target, folded, usual);

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
            named bigint[] := '{}';
            told bigint[] := '{}';
        BEGIN
            IF asked.texts IS NULL THEN
                RETURN;
            END IF;
            IF within IS NOT NULL THEN
                RETURN QUERY SELECT * FROM %1$s_within(tenant, asked, within, most);
                RETURN;
            END IF;
            RETURN QUERY SELECT r.id, 3 FROM %1$s r
                WHERE r.tenant_id = tenant AND r.deleted_by IS NULL AND r.%2$I >= asked.phrase
                    AND r.%2$I < asked.phrase || U&'\+10FFFF' ORDER BY r.%2$I LIMIT most / 2;
            GET DIAGNOSTICS so_far = ROW_COUNT;
            IF asked.is_common THEN
                FOR step IN 0 .. 1 LOOP
                    SELECT named || array_agg(met.id) FILTER (WHERE met.is_named),
                        told || array_agg(met.id) FILTER (WHERE NOT met.is_named)
                    INTO named, told FROM (
                        SELECT newest.id, newest.words LIKE ALL (asked.name_needs) AND (asked.names_beyond IS NULL
                            OR word_terms(tenant, newest.words) @@ asked.names_beyond) AS is_named
                        FROM (SELECT r.id, r.words, r.word_bits FROM %1$s r
                              WHERE r.tenant_id = tenant AND r.deleted_by IS NULL
                              ORDER BY r.id DESC LIMIT 1000 OFFSET 1000 * step) newest
                        WHERE newest.word_bits & asked.bits = asked.bits AND newest.words LIKE ALL (asked.needs)
                            AND (asked.beyond IS NULL OR word_terms(tenant, newest.words) @@ asked.beyond)) met;
                    EXIT WHEN cardinality(named) >= most / 4 OR named = '{}' AND cardinality(told) >= most / 10;
                END LOOP;
                RETURN QUERY SELECT unnest(named[:most]), 2;
                so_far := so_far + cardinality(named);
            END IF;
            IF asked.key_names IS NOT NULL AND NOT (asked.is_common AND so_far >= most / 4) THEN
                RETURN QUERY SELECT r.id, 2 FROM (
                        SELECT r.tenant_id, r.id, r.words FROM %1$s r
                        WHERE r.deleted_by IS NULL AND word_terms(r.tenant_id, r.words) @@ asked.key_names
                        LIMIT CASE WHEN asked.is_common THEN 300 ELSE 1000 END) r
                    WHERE r.tenant_id = tenant AND (asked.key_names = asked.names OR r.words LIKE ALL (asked.name_needs)
                        AND (asked.names_beyond IS NULL OR word_terms(tenant, r.words) @@ asked.names_beyond)) LIMIT most;
                GET DIAGNOSTICS more = ROW_COUNT;
                so_far := so_far + more;
            END IF;
            IF asked.is_common AND so_far < most / 4 THEN
                RETURN QUERY SELECT unnest(told[:most]), 1;
            END IF;
            IF so_far < most / (CASE WHEN asked.is_common THEN 4 ELSE 2 END) AND cardinality(told) < most / 10 THEN
                RETURN QUERY SELECT * FROM %1$s_told(tenant, asked, most);
            END IF;
        END $$ $definition$, target, folded);

    -- Planned anew each time: whether the index of words or the ids lead to the rows sooner depends on both.
    EXECUTE format($definition$
        CREATE OR REPLACE FUNCTION %1$s_within(tenant bigint, asked sought, within bigint[], most int)
        RETURNS TABLE (hit bigint, place int)
        LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
        SET search_path = public, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_custom_plan AS $$
        BEGIN
            RETURN QUERY SELECT r.id, CASE WHEN r.words LIKE ALL (asked.name_needs)
                                           AND (asked.names_beyond IS NULL
                                               OR word_terms(tenant, r.words) @@ asked.names_beyond) THEN 2 ELSE 1 END
                FROM %1$s r
                WHERE r.tenant_id = tenant AND r.id = ANY (within) AND r.deleted_by IS NULL
                    AND word_terms(r.tenant_id, r.words) @@ asked.texts
                LIMIT most * 2;
        END $$ $definition$, target);

    EXECUTE format($definition$
        CREATE OR REPLACE FUNCTION %1$s_told(tenant bigint, asked sought, most int)
        RETURNS TABLE (hit bigint, place int)
        LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = public, pg_temp SET enable_seqscan = off AS $$
        BEGIN
            IF asked.key_texts IS NOT NULL THEN
                RETURN QUERY SELECT r.id, 1 FROM (
                        SELECT r.tenant_id, r.id, r.words FROM %1$s r
                        WHERE r.deleted_by IS NULL AND word_terms(r.tenant_id, r.words) @@ asked.key_texts
                        LIMIT CASE WHEN asked.is_common THEN 200 ELSE 500 END) r
                    WHERE r.tenant_id = tenant AND (asked.key_texts = asked.texts
                        OR r.words LIKE ALL (asked.needs)
                            AND (asked.beyond IS NULL OR word_terms(tenant, r.words) @@ asked.beyond)) LIMIT most;
            END IF;
        END $$ $definition$, target);
END $procedure$;

CALL searchable('organizations', 'name', 'industry, site(website), description, external_id, spaced(domains), spaced(tags)',
                'name_folded', 'name_folded');
CALL searchable('contacts', 'full_name', 'email, mention_name, company, title, department', 'full_name_folded',
                'full_name_folded');
CALL searchable('projects', 'title', 'description', 'title_folded', 'title_folded');
CALL searchable('tasks', 'title', 'description', 'title_folded', 'order');
CALL searchable('documents', 'name', 'description', 'name_folded', 'name_folded');
CALL searchable('activities', 'first_words(text)', 'text', 'title_folded', 'happened_at');

-- What servers of the version before ask, while they are being replaced.
DO $$
DECLARE
    target text;
BEGIN
    FOREACH target IN ARRAY ARRAY['organizations', 'contacts', 'projects', 'tasks', 'documents', 'activities'] LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION %1$s_matches(x %1$I, needs text[], texts tsquery) RETURNS boolean
                        LANGUAGE sql STABLE AS $body$ SELECT are_meant(x.tenant_id, x.words, needs, texts) $body$', target);
    END LOOP;
END $$;
-- may_have() stays until a later migration: a search that runs as this one ends still calls it.
