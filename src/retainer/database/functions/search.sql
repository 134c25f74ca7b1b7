-- Search, read from top to bottom. docs/search-inside.md follows one search through it.
--
-- A search asks search_query() once for what its words mean, then <table>_found() of each table and
-- passages_found() for the rows worth ranking, and reads those again through the viewer
-- (search/store.py). A list with q= asks <table>_few_matching() for all rows instead, and walks its
-- order with needs_of() and bits_of() where they are too many.
--
-- For a viewer who does not see every row, what words mean depends on the rows that they see alone:
-- <table>_asked() takes the place of search_query(), and <table>_among() that of <table>_few_matching().
--
-- Functions that read tables run as the owner and take the tenant: under row-level security the
-- operators of the index of words could not use it, for they are not leakproof.

-- What a search looks for (type search_query):
--
--     phrase        all that was typed, folded: names that begin with it come first
--     names, texts  the whole condition, as a query of word_terms(): on the name, on everything
--     key_names, key_texts
--                   the part of it that the index is asked for. Uncommon words, or where all are
--                   common (is_common) those that are whole words; null where there are none. The
--                   rows found are then checked for the other words
--     needs, name_needs
--                   patterns for LIKE that a row's words match exactly when they have each word
--                   that stands for itself alone; `bits` are the bits of the same words
--     beyond, names_beyond
--                   the whole condition again where a word stands for others too, which the
--                   patterns do not know; else null
--     patterns      the typed words, anywhere in a name, for the ranking
--     meant         every word that counts, for highlights
--
-- Every word typed counts as the beginning of a word. Where the tenant has none that begins so, the
-- words count that it may have been meant for. `loosely`: that holds for every word, and those that
-- stand for nothing are left out, or else the most common of several.
CREATE OR REPLACE FUNCTION search_query(tenant bigint, q text, loosely boolean DEFAULT false)
RETURNS search_query
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off AS $$
DECLARE
    typed text[] := typed_words(q);
    each text;
    others text[];
    beginning int;
    uses bigint;
    is_whole boolean;
    is_begun boolean;
    is_uncommon boolean;
    is_named boolean;
    begun text[];
    all_others text[];
    uncommon boolean[] := '{}';
    rare boolean[] := '{}';
    keys boolean[] := '{}';
    plain_words text[] := '{}';
    commonness bigint[] := '{}';
    name_parts text[] := '{}';
    text_parts text[] := '{}';
    key_name_parts text[] := '{}';
    key_text_parts text[] := '{}';
    kept boolean[];
    result search_query := empty_query(q);
BEGIN
    PERFORM refuse_other_tenant(tenant);
    FOREACH each IN ARRAY typed LOOP
        CONTINUE WHEN '%' || each || '%' = ANY (result.patterns);
        SELECT count(*), coalesce(sum(w.uses), 0), coalesce(bool_or(w.word = each), false),
            array_agg(w.word)
        INTO beginning, uses, is_whole, begun
        FROM (SELECT v.word, v.uses FROM words v
              WHERE v.tenant_id = tenant AND v.word >= each COLLATE "C"
                  AND v.word < each || U&'\+10FFFF' COLLATE "C" ORDER BY v.word LIMIT 100) w;
        others := '{}';
        IF beginning = 0 OR loosely THEN
            others := corrections(tenant, each, 5);
            uses := uses + coalesce((
                SELECT sum(v.uses) FROM words v
                WHERE v.tenant_id = tenant AND v.word = ANY (others) AND v.word <> each), 0);
        END IF;
        others := others || other_digits(each);
        is_begun := uses <= 5000 AND beginning < (CASE WHEN length(each) > 1 THEN 100 ELSE 9 END);
        is_uncommon := is_begun AND length(each) > 1;  -- (words of one letter are not counted)
        -- What begins with a common word is named where it is little: whatever begins so, an index
        -- gathers first, which takes six times as long. (A word that was new a moment ago is not
        -- known yet, and one of more than 40 letters never.)
        is_named := uses > 5000 AND beginning BETWEEN 1 AND 8;
        all_others := CASE WHEN is_named THEN array_remove(begun, each) || others ELSE others END;
        uncommon := uncommon || is_uncommon;
        rare := rare || (is_uncommon AND uses <= 200);
        keys := keys || (is_begun OR is_named OR is_whole OR others <> '{}');
        plain_words := plain_words || CASE WHEN others = '{}' THEN each END;
        commonness := commonness || CASE WHEN uses > 0 THEN uses END;
        name_parts := name_parts || alternatives(tenant || '/', each, NOT is_named, all_others);
        text_parts := text_parts
            || alternatives(tenant || '/', each, NOT is_named, all_others, tenant || ':');
        key_name_parts := key_name_parts
            || alternatives(tenant || '/', each, is_begun, all_others);
        key_text_parts := key_text_parts
            || alternatives(tenant || '/', each, is_begun, all_others, tenant || ':');
        result.patterns := result.patterns || ('%' || each || '%');
        result.meant := result.meant || each || others;
    END LOOP;
    kept := CASE WHEN loosely THEN words_to_keep(commonness)
        ELSE array_fill(true, ARRAY[cardinality(name_parts)]) END;
    IF EXISTS (SELECT FROM unnest(rare, kept) AS one (is_rare, is_kept)
               WHERE one.is_rare AND one.is_kept) THEN
        -- Beside these it is cheaper to look at the rows than at the others' lists.
        uncommon := rare;
    END IF;
    FOR i IN 1 .. cardinality(name_parts) LOOP
        CONTINUE WHEN NOT kept[i];
        result.is_common := result.is_common AND NOT uncommon[i];
        IF plain_words[i] IS NOT NULL THEN
            result.bits := result.bits | bits_of(plain_words[i]);
            result.needs := result.needs || ('% ' || plain_words[i] || '%');
            result.name_needs := result.name_needs || ('% ' || plain_words[i] || '%/%');
        END IF;
    END LOOP;
    result.names := conjunction(name_parts, kept, kept);
    result.texts := conjunction(text_parts, kept, kept);
    keys := CASE WHEN result.is_common THEN keys ELSE uncommon END;
    result.key_names := conjunction(key_name_parts, keys, kept);
    result.key_texts := conjunction(key_text_parts, keys, kept);
    IF array_position(plain_words, NULL) IS NOT NULL THEN
        result.beyond := result.texts;
        result.names_beyond := result.names;
    END IF;
    RETURN result;
END $$;

-- The name by which servers of the version before this one call it.
CREATE OR REPLACE FUNCTION sought(tenant bigint, q text, loosely boolean DEFAULT false)
RETURNS search_query
LANGUAGE sql STABLE
RETURN search_query(tenant, q, loosely);

-- The words of what was typed that count: the first eight. A telephone number is one word, however
-- it is grouped. Of a run of pairs (in_pairs()) the last letter is a word of the row alone.
CREATE OR REPLACE FUNCTION typed_words(q text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    -- Between two pairs plain() leaves two spaces.
    words CONSTANT text[] := array_remove(string_to_array(plain(q), ' '), '');
    digits text;
BEGIN
    IF normalize(q, NFKC) ~ '^\s*[(]?[+0][0-9\s()./\u2010-\u2015-]+$' THEN
        digits := regexp_replace(replace(normalize(q, NFKC), '(0)', ''), '[^0-9]', '', 'g');
        IF length(digits) >= 6 THEN
            RETURN ARRAY[digits];
        END IF;
    END IF;
    IF octet_length(q) = length(q) THEN
        RETURN words[1:8];
    END IF;
    RETURN (ARRAY(
        SELECT words[i] FROM generate_subscripts(words, 1) i
        WHERE NOT (length(words[i]) = 1 AND i > 1 AND length(words[i - 1]) = 2
            AND octet_length(words[i]) > 2 AND right(words[i - 1], 1) = words[i])
        ORDER BY i))[1:8];
END $$;

-- Other forms of a typed telephone number, as phone_words() has them: without the zeros before it;
-- and of a whole number with its country, which has ten digits or more, without that.
CREATE OR REPLACE FUNCTION other_digits(typed text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    digits CONSTANT text := ltrim(typed, '0');
BEGIN
    IF typed !~ '^[0-9]{6,}$' OR length(digits) < 6 THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(
        SELECT substr(digits, n) FROM generate_series(1, 4) n
        WHERE substr(digits, n) <> typed
            AND (n = 1 OR length(digits) >= 10 AND typed !~ '^0[^0]'));
END $$;

-- One typed word as a part of a query: it, or whatever begins with it, or one of the others, under
-- one tag or two. Words have letters and digits only, so nothing in them needs escaping.
CREATE OR REPLACE FUNCTION alternatives(
    tag text, word text, is_beginning boolean, others text[], second_tag text DEFAULT NULL
) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    part text := format('''%s%s''%s', tag, word, CASE WHEN is_beginning THEN ':*' END);
    other text;
BEGIN
    FOREACH other IN ARRAY others LOOP
        part := part || format('|''%s%s''', tag, other);
    END LOOP;
    RETURN CASE WHEN second_tag IS NULL THEN '(' || part || ')'
        ELSE '(' || part || '|' || replace(part, '''' || tag, '''' || second_tag) || ')' END;
END $$;

-- The parts that are chosen and kept, joined with &; null when there is none.
CREATE OR REPLACE FUNCTION conjunction(parts text[], chosen boolean[], kept boolean[])
RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    joined text;
BEGIN
    FOR i IN 1 .. coalesce(cardinality(parts), 0) LOOP
        IF chosen[i] AND kept[i] THEN
            joined := concat_ws('&', joined, parts[i]);
        END IF;
    END LOOP;
    RETURN joined::tsquery;
END $$;

-- The words to keep when they were not found together: those that somebody has used, where some are
-- used by nobody (null); else all but the most common of several, which tells least.
CREATE OR REPLACE FUNCTION words_to_keep(commonness bigint[]) RETURNS boolean[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(
    SELECT uses IS NOT NULL AND (cardinality(commonness) = 1
        OR array_position(commonness, NULL) IS NOT NULL
        OR place <> array_position(commonness, (SELECT max(u) FROM unnest(commonness) u)))
    FROM unnest(commonness) WITH ORDINALITY AS one (uses, place) ORDER BY place);

-- The words that may have been meant, the likeliest first. How often a word is used, which no index
-- knows, is read of the near ones alone.
CREATE OR REPLACE FUNCTION corrections(tenant bigint, typed text, most int) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off AS $$
BEGIN
    RETURN ARRAY(
        SELECT near.word
        FROM near_words(tenant, typed) near, LATERAL (
            SELECT w.uses FROM words w
            WHERE w.tenant_id = tenant AND w.word = near.word OFFSET 0) known
        ORDER BY near.distance, known.uses DESC, near.word
        LIMIT most);
END $$;

-- The tenant's words that are near a typed one: at most one error in words of 4 to 7 letters, two in
-- longer ones; a pair of neighbours exchanged counts as one. Two words that differ by so little
-- share their first or their last letters, so only words that begin or end like the typed one are
-- compared. Of a long word only the beginning may have been typed.
CREATE OR REPLACE FUNCTION near_words(tenant bigint, typed text)
RETURNS TABLE (word text, distance numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off AS $$
DECLARE
    size int := length(typed);
    allowed int := CASE WHEN size < 4 THEN 0 WHEN size < 8 THEN 1 ELSE 2 END;
    part int := greatest(1, (size - allowed) / (allowed + 1));
    head text COLLATE "C" := left(typed, part);
    tail text COLLATE "C" := left(reverse(typed), part);
BEGIN
    IF allowed = 0 OR size > 40 THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT near.word::text, errors.errors
        FROM (
            SELECT w.word FROM words w
            WHERE w.tenant_id = tenant AND w.word >= head AND w.word < head || U&'\+10FFFF' AND CASE
                WHEN length(w.word) < size - 2 THEN false
                WHEN length(w.word) <= size + 2 THEN levenshtein_less_equal(w.word, typed, 2) <= 2
                ELSE size > 4 AND levenshtein_less_equal(left(w.word, size), typed, 1) <= 1 END
            UNION
            SELECT w.word FROM words w
            WHERE w.tenant_id = tenant AND reverse(w.word) >= tail
                AND reverse(w.word) < tail || U&'\+10FFFF'
                AND length(w.word) BETWEEN size - 2 AND size + 2
                AND levenshtein_less_equal(w.word, typed, 2) <= 2
        ) near, LATERAL errors(typed, near.word)
        WHERE errors.errors <= allowed;
END $$;

-- The number of errors between a typed word and another of at most 40 letters. Of a longer one,
-- half an error more than between the typed word and its beginning. 9 stands for many.
CREATE OR REPLACE FUNCTION errors(typed text, word text) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    distance numeric;
BEGIN
    IF length(word) > length(typed) + 2 THEN
        RETURN CASE WHEN length(typed) < 5 THEN 9
            ELSE 0.5 + levenshtein_less_equal(left(word, length(typed)), typed, 1) END;
    END IF;
    distance := levenshtein_less_equal(word, typed, 2);
    IF distance = 2 AND length(word) = length(typed) AND letters(word) = letters(typed) THEN
        RETURN 1;
    END IF;
    RETURN distance;
END $$;

-- The letters of a word in order: the same for words in which two are exchanged.
CREATE OR REPLACE FUNCTION letters(word text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
    SELECT string_agg(letter, '' ORDER BY letter COLLATE "C")
    FROM string_to_table(word, NULL) letter);

-- The rows of a table worth ranking, best kinds of match first; a row may come twice. `place` is 3
-- for a name that begins with the phrase, 2 for words in the name, 1 for words anywhere. The work
-- is bounded however common the words are: the index is asked for uncommon words, and common ones,
-- which stand in many rows, are met among the newest 2,000. `within` are the rows that the viewer
-- sees, where that is not all.
CALL for_each_searched('search', $template$
    CREATE OR REPLACE FUNCTION {table}_found(
        tenant bigint, asked search_query, within bigint[], most int
    ) RETURNS TABLE (hit bigint, place int)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
    SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    DECLARE
        so_far int := 0;
        more int;
        in_name bigint[] := '{}';
        anywhere bigint[] := '{}';
    BEGIN
        PERFORM refuse_other_tenant(tenant);
        IF asked.texts IS NULL THEN
            RETURN;
        END IF;
        IF within IS NOT NULL THEN
            RETURN QUERY SELECT * FROM {table}_within(tenant, asked, within, most);
            RETURN;
        END IF;

        RETURN QUERY SELECT r.id, 3 FROM {table} r
            WHERE r.tenant_id = tenant AND r.deleted_by IS NULL AND r.{folded} >= asked.phrase
                AND r.{folded} < asked.phrase || U&'\+10FFFF' ORDER BY r.{folded} LIMIT most / 2;
        GET DIAGNOSTICS so_far = ROW_COUNT;

        IF asked.is_common THEN
            FOR step IN 0 .. 1 LOOP
                SELECT in_name || array_agg(matched.id) FILTER (WHERE matched.is_named),
                    anywhere || array_agg(matched.id) FILTER (WHERE NOT matched.is_named)
                INTO in_name, anywhere FROM (
                    SELECT newest.id, newest.words LIKE ALL (asked.name_needs) AND (
                        asked.names_beyond IS NULL
                        OR word_terms(tenant, newest.words) @@ asked.names_beyond) AS is_named
                    FROM (SELECT r.id, r.words, r.word_bits FROM {table} r
                          WHERE r.tenant_id = tenant AND r.deleted_by IS NULL
                          ORDER BY r.id DESC LIMIT 1000 OFFSET 1000 * step) newest
                    WHERE newest.word_bits & asked.bits = asked.bits
                        AND newest.words LIKE ALL (asked.needs)
                        AND (asked.beyond IS NULL
                            OR word_terms(tenant, newest.words) @@ asked.beyond)) matched;
                EXIT WHEN cardinality(in_name) >= most / 4
                    OR in_name = '{}' AND cardinality(anywhere) >= most / 10;
            END LOOP;
            RETURN QUERY SELECT unnest(in_name[:most]), 2;
            so_far := so_far + cardinality(in_name);
        END IF;

        IF asked.key_names IS NOT NULL AND NOT (asked.is_common AND so_far >= most / 4) THEN
            RETURN QUERY SELECT r.id, 2 FROM (
                    SELECT r.tenant_id, r.id, r.words FROM {table} r
                    WHERE r.deleted_by IS NULL
                        AND word_terms(r.tenant_id, r.words) @@ asked.key_names
                    LIMIT CASE WHEN asked.is_common THEN 300 ELSE 1000 END) r
                WHERE r.tenant_id = tenant AND (asked.key_names = asked.names
                    OR r.words LIKE ALL (asked.name_needs) AND (
                        asked.names_beyond IS NULL
                        OR word_terms(tenant, r.words) @@ asked.names_beyond)) LIMIT most;
            GET DIAGNOSTICS more = ROW_COUNT;
            so_far := so_far + more;
        END IF;

        IF asked.is_common AND so_far < most / 4 THEN
            RETURN QUERY SELECT unnest(anywhere[:most]), 1;
        END IF;
        IF so_far < most / (CASE WHEN asked.is_common THEN 4 ELSE 2 END)
            AND cardinality(anywhere) < most / 10 THEN
            RETURN QUERY SELECT * FROM {table}_found_anywhere(tenant, asked, most);
        END IF;
    END $$;
$template$);

-- Of those rows, the ones with the words anywhere.
CALL for_each_searched('search', $template$
    CREATE OR REPLACE FUNCTION {table}_found_anywhere(tenant bigint, asked search_query, most int)
    RETURNS TABLE (hit bigint, place int)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
    SET search_path = public, pg_temp SET enable_seqscan = off AS $$
    BEGIN
        IF asked.key_texts IS NOT NULL THEN
            RETURN QUERY SELECT r.id, 1 FROM (
                    SELECT r.tenant_id, r.id, r.words FROM {table} r
                    WHERE r.deleted_by IS NULL
                        AND word_terms(r.tenant_id, r.words) @@ asked.key_texts
                    LIMIT CASE WHEN asked.is_common THEN 200 ELSE 500 END) r
                WHERE r.tenant_id = tenant AND (asked.key_texts = asked.texts
                    OR r.words LIKE ALL (asked.needs) AND (
                        asked.beyond IS NULL
                        OR word_terms(tenant, r.words) @@ asked.beyond)) LIMIT most;
        END IF;
    END $$;
$template$);

-- The same among the rows that the viewer sees, the best and the newest of them. Planned anew each
-- time: whether the index of words or the ids lead to the rows sooner depends on both.
CALL for_each_searched('search', $template$
    CREATE OR REPLACE FUNCTION {table}_within(
        tenant bigint, asked search_query, within bigint[], most int
    ) RETURNS TABLE (hit bigint, place int)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
    SET search_path = public, pg_temp SET enable_seqscan = off
    SET plan_cache_mode = force_custom_plan AS $$
    BEGIN
        RETURN QUERY SELECT r.id, CASE WHEN r.words LIKE ALL (asked.name_needs) AND (
                asked.names_beyond IS NULL
                OR word_terms(tenant, r.words) @@ asked.names_beyond) THEN 2 ELSE 1 END AS rank
            FROM {table} r
            WHERE r.tenant_id = tenant AND r.id = ANY (within) AND r.deleted_by IS NULL
                AND word_terms(r.tenant_id, r.words) @@ asked.texts
            ORDER BY rank DESC, r.id DESC LIMIT most * 2;
    END $$;
$template$);

-- The passages of files worth ranking, one a document; `place` is the passage's number. The words
-- of a passage take long to find out, so few are looked at. Where the index alone decides, more
-- are: a long file has a word on each of its pages, and must not hide the others.
CREATE OR REPLACE FUNCTION passages_found(
    tenant bigint, asked search_query, within bigint[], most int
)
RETURNS TABLE (hit bigint, place int)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    PERFORM refuse_other_tenant(tenant);
    IF within IS NOT NULL THEN
        RETURN QUERY SELECT * FROM passages_within(tenant, asked, within, most);
        RETURN;
    END IF;
    RETURN QUERY SELECT DISTINCT ON (r.document_id) r.document_id, r.place FROM (
            SELECT p.tenant_id, p.document_id, p.place, p.text FROM document_passages p
            WHERE passage_terms(p.tenant_id, p.text) @@ asked.key_texts
            LIMIT CASE WHEN asked.key_texts = asked.texts THEN most * 20 ELSE 40 END) r
        WHERE r.tenant_id = tenant
            AND (asked.key_texts = asked.texts OR passage_terms(tenant, r.text) @@ asked.texts)
        LIMIT most;
END $$;

-- The same among the documents that the viewer sees.
CREATE OR REPLACE FUNCTION passages_within(
    tenant bigint, asked search_query, within bigint[], most int
)
RETURNS TABLE (hit bigint, place int)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = public, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT ON (r.document_id) r.document_id, r.place FROM (
            SELECT p.document_id, p.place FROM document_passages p
            WHERE p.tenant_id = tenant AND p.document_id = ANY (within)
                AND passage_terms(p.tenant_id, p.text) @@ asked.texts
            ORDER BY p.document_id DESC, p.place LIMIT most * 20) r
        ORDER BY r.document_id DESC, r.place LIMIT most;
END $$;

-- What a search by a viewer who does not see every row looks for. `within` are the rows of one table
-- that they see, and whatever is known of words is known from these: a row that somebody does not
-- see must not shape what they are answered, or it could be read letter by letter. `heard` are the
-- words of these rows where the viewer is not told all fields, else null.
CALL for_each_searched('search', $template$
    CREATE OR REPLACE FUNCTION {table}_asked(
        tenant bigint, q text, loosely boolean, within bigint[], heard text[]
    ) RETURNS search_query
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DECLARE
        asked search_query := empty_query(q);
        uses bigint[] := '{}';
        others jsonb := '{}';
        each text;
        rows bigint;
    BEGIN
        PERFORM refuse_other_tenant(tenant);
        FOREACH each IN ARRAY distinct_words(q) LOOP
            rows := {table}_having(tenant, begins(tenant, each), within, heard);
            IF rows = 0 OR loosely THEN
                SELECT others || jsonb_build_object(each, coalesce(jsonb_agg(near.word), '[]')),
                    rows + coalesce(sum(near.used), 0)
                INTO others, rows FROM (
                    SELECT n.word, count.used FROM near_words(tenant, each) n, LATERAL (
                        SELECT {table}_having(tenant, is_word(tenant, n.word), within, heard) AS used
                        OFFSET 0) count
                    WHERE n.word <> each AND count.used > 0
                    ORDER BY n.distance, count.used DESC, n.word LIMIT 5) near;
            END IF;
            IF other_digits(each) <> '{}' THEN
                others := others || jsonb_build_object(
                    each, coalesce(others -> each, '[]') || to_jsonb(other_digits(each)));
            END IF;
            uses := uses || rows;
        END LOOP;
        RETURN query_of(asked, tenant, distinct_words(q), uses, others, loosely);
    END $$;

    CREATE OR REPLACE FUNCTION {table}_having(
        tenant bigint, looked tsquery, within bigint[], heard text[]
    ) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET enable_seqscan = off
    SET plan_cache_mode = force_custom_plan AS $$
    BEGIN
        IF heard IS NOT NULL THEN
            RETURN (SELECT count(*) FROM unnest(heard) words
                WHERE word_terms(tenant, words) @@ looked);
        END IF;
        RETURN (SELECT count(*) FROM {table} r
            WHERE r.tenant_id = tenant AND r.id = ANY (within) AND r.deleted_by IS NULL
                AND word_terms(r.tenant_id, r.words) @@ looked);
    END $$;

    -- Every row of them that has the words, in the list's usual order.
    CREATE OR REPLACE FUNCTION {table}_among(tenant bigint, asked search_query, within bigint[])
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET enable_seqscan = off
    SET plan_cache_mode = force_custom_plan AS $$
    BEGIN
        PERFORM refuse_other_tenant(tenant);
        RETURN ARRAY(SELECT r.id FROM {table} r
            WHERE r.tenant_id = tenant AND r.id = ANY (within) AND r.deleted_by IS NULL
                AND word_terms(r.tenant_id, r.words) @@ asked.texts ORDER BY r.{usual}, r.id);
    END $$;
$template$);

-- The same of the texts of files; `within` are the documents that the viewer sees.
CREATE OR REPLACE FUNCTION passages_asked(
    tenant bigint, q text, loosely boolean, within bigint[]
) RETURNS search_query
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    asked search_query := empty_query(q);
    uses bigint[] := '{}';
    others jsonb := '{}';
    each text;
    rows bigint;
BEGIN
    PERFORM refuse_other_tenant(tenant);
    FOREACH each IN ARRAY distinct_words(q) LOOP
        rows := passages_having(tenant, begins(tenant, each), within);
        IF rows = 0 OR loosely THEN
            SELECT others || jsonb_build_object(each, coalesce(jsonb_agg(near.word), '[]')),
                rows + coalesce(sum(near.used), 0)
            INTO others, rows FROM (
                SELECT n.word, count.used FROM near_words(tenant, each) n, LATERAL (
                    SELECT passages_having(tenant, is_word(tenant, n.word), within) AS used
                    OFFSET 0) count
                WHERE n.word <> each AND count.used > 0
                ORDER BY n.distance, count.used DESC, n.word LIMIT 5) near;
        END IF;
        uses := uses || rows;
    END LOOP;
    RETURN query_of(asked, tenant, distinct_words(q), uses, others, loosely);
END $$;

CREATE OR REPLACE FUNCTION passages_having(tenant bigint, looked tsquery, within bigint[])
RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN (SELECT count(*) FROM document_passages p
        WHERE p.tenant_id = tenant AND p.document_id = ANY (within)
            AND passage_terms(p.tenant_id, p.text) @@ looked);
END $$;

-- The typed words that count, each once.
CREATE OR REPLACE FUNCTION distinct_words(q text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN ARRAY(SELECT word FROM unnest(typed_words(q)) WITH ORDINALITY typed (word, place)
        GROUP BY word ORDER BY min(place));
END $$;

-- A word of a row that begins so, and one that is so.
CREATE OR REPLACE FUNCTION begins(tenant bigint, word text) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN alternatives(tenant || '/', word, true, '{}', tenant || ':')::tsquery;
END $$;

CREATE OR REPLACE FUNCTION is_word(tenant bigint, word text) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN alternatives(tenant || '/', word, false, '{}', tenant || ':')::tsquery;
END $$;

-- What is sought, before any word counts.
CREATE OR REPLACE FUNCTION empty_query(q text) RETURNS search_query
LANGUAGE plpgsql STABLE AS $$
DECLARE
    result search_query;
BEGIN
    result.phrase := fold(trim(q));
    result.patterns := '{}';
    result.meant := '{}';
    result.needs := '{}';
    result.name_needs := '{}';
    result.bits := B'0'::bit(256);
    result.is_common := true;
    RETURN result;
END $$;

-- What is sought by typed words of which it is known how many rows have them, and the words that
-- each stands for besides.
CREATE OR REPLACE FUNCTION query_of(
    result search_query, tenant bigint, typed text[], uses bigint[], others jsonb, loosely boolean
) RETURNS search_query
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    kept boolean[] := array_fill(true, ARRAY[cardinality(typed)]);
    named text[] := '{}';
    told text[] := '{}';
    besides text[];
BEGIN
    IF loosely THEN
        kept := words_to_keep(ARRAY(SELECT nullif(u, 0)
            FROM unnest(uses) WITH ORDINALITY used (u, place) ORDER BY place));
    END IF;
    FOR i IN 1 .. cardinality(typed) LOOP
        besides := ARRAY(SELECT jsonb_array_elements_text(others -> typed[i]));
        named := named || alternatives(tenant || '/', typed[i], true, besides);
        told := told || alternatives(tenant || '/', typed[i], true, besides, tenant || ':');
        result.patterns := result.patterns || ('%' || typed[i] || '%');
        result.meant := result.meant || typed[i] || besides;
        IF kept[i] AND besides = '{}' THEN
            result.needs := result.needs || ('% ' || typed[i] || '%');
            result.name_needs := result.name_needs || ('% ' || typed[i] || '%/%');
        END IF;
    END LOOP;
    result.names := conjunction(named, kept, kept);
    result.texts := conjunction(told, kept, kept);
    IF others <> '{}' THEN
        result.beyond := result.texts;
        result.names_beyond := result.names;
    END IF;
    RETURN result;
END $$;

-- Filters of lists: the ids of every live row that has each word of q, in the list's usual order;
-- null where there are more than `most`, or where so many of the first rows have them that the list
-- is better walked (as functions/lists.sql says).
CALL for_each_searched('search', $template$
    CREATE OR REPLACE FUNCTION {table}_few_matching(tenant bigint, q text, most int)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DECLARE
        asked search_query := search_query(tenant, q);
        found bigint[];
    BEGIN
        IF asked.texts IS NULL THEN
            RETURN '{}';
        END IF;
        IF asked.is_common AND 5 = (SELECT count(*) FROM (SELECT FROM (
                SELECT r.id, r.word_bits FROM {table} r
                WHERE r.tenant_id = tenant AND r.deleted_by IS NULL
                ORDER BY r.{usual}, r.id LIMIT 500) r
                WHERE r.word_bits & asked.bits = asked.bits AND (
                    SELECT are_meant(tenant, w.words, asked.needs, asked.beyond) FROM {table} w
                    WHERE w.tenant_id = tenant AND w.id = r.id) LIMIT 5) matched) THEN
            RETURN NULL;
        END IF;
        found := coalesce({table}_matching(tenant, asked, most + 1), '{}');
        RETURN CASE WHEN cardinality(found) <= most THEN found END;
    END $$;

    -- The words name the tenant, so the index of words alone is asked; the tenant's own index
    -- beside it would be read whole. It is asked for uncommon words where there are any: of a
    -- common one it would read every row that has it.
    CREATE OR REPLACE FUNCTION {table}_matching(tenant bigint, asked search_query, most int)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET enable_seqscan = off SET enable_indexscan = off AS $$
    BEGIN
        IF asked.is_common OR asked.key_texts = asked.texts THEN
            RETURN (SELECT array_agg(r.id ORDER BY r.{usual}, r.id) FROM (
                SELECT r.tenant_id, r.id, r.{usual} FROM {table} r
                WHERE r.deleted_by IS NULL
                    AND word_terms(r.tenant_id, r.words) @@ asked.texts LIMIT most) r
                WHERE r.tenant_id = tenant);
        END IF;
        RETURN (SELECT array_agg(r.id ORDER BY r.{usual}, r.id) FROM (
            SELECT r.id, r.{usual} FROM (
                SELECT r.tenant_id, r.id, r.words, r.{usual} FROM {table} r
                WHERE r.deleted_by IS NULL
                    AND word_terms(r.tenant_id, r.words) @@ asked.key_texts OFFSET 0) r
            WHERE r.tenant_id = tenant AND r.words LIKE ALL (asked.needs)
                AND (asked.beyond IS NULL
                    OR word_terms(tenant, r.words) @@ asked.beyond) LIMIT most) r);
    END $$;
$template$);

-- Whether the words of a row, as words_of() has them, are the ones meant.
CREATE OR REPLACE FUNCTION are_meant(tenant bigint, words text, needs text[], beyond tsquery)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 10 AS $$
BEGIN
    RETURN words LIKE ALL (needs)
        AND (beyond IS NULL OR public.word_terms(tenant, words) @@ beyond);
END $$;

-- Whether the tenant has words that begin with each of the typed ones: then they stand for
-- themselves alone, and a list may be walked by needs_of() without search_query().
CREATE OR REPLACE FUNCTION all_known(tenant bigint, q text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off AS $$
DECLARE
    typed text COLLATE "C";
BEGIN
    PERFORM refuse_other_tenant(tenant);
    FOREACH typed IN ARRAY typed_words(q) LOOP
        IF other_digits(typed) <> '{}' THEN
            RETURN false;
        END IF;
        PERFORM FROM words w
        WHERE w.tenant_id = tenant AND w.word >= typed AND w.word < typed || U&'\+10FFFF';
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN true;
END $$;

-- What a row needs by the typed words alone, each as the beginning of a word; null, which no row
-- matches, where there are none.
CREATE OR REPLACE FUNCTION needs_of(q text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN (SELECT array_agg('% ' || word || '%') FROM unnest(typed_words(q)) word);
END $$;

-- The trigger of the words anew, with the current text of its function.
CALL for_each_searched('search', $template$
    CALL worded('{table}');
$template$);

-- The application role alone may call these; PostgreSQL would let everybody. The others are called
-- by the functions above only.
REVOKE ALL ON FUNCTION
    search_query, sought, typed_words, other_digits, alternatives, conjunction, words_to_keep, corrections,
    near_words, errors, letters, passages_found, passages_within, passages_asked, passages_having,
    distinct_words, begins, is_word, empty_query, query_of, are_meant, all_known, needs_of
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    search_query, sought, typed_words, passages_found, passages_asked, are_meant, all_known,
    needs_of
TO retainer_app;
CALL for_each_searched('search', $template$
    REVOKE ALL ON FUNCTION
        {table}_found, {table}_found_anywhere, {table}_within, {table}_asked, {table}_having,
        {table}_among, {table}_few_matching, {table}_matching
    FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION
        {table}_found, {table}_asked, {table}_among, {table}_few_matching
    TO retainer_app;
$template$);
