-- Search: one index of words per noun, the words of each tenant for typing errors, and the text of files.
-- docs/decisions/0010 says why it is built so.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60min';

-- Every function here that reads tables runs as the owner: under row-level security the words' operators could not use
-- an index. Each takes the tenant, and its callers read again, through the viewer, what it returns.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'fuzzystrmatch') THEN
        RAISE EXCEPTION 'PostgreSQL lacks its extension fuzzystrmatch, which search needs'
            USING HINT = 'Install the contrib package of this PostgreSQL (such as postgresql-contrib), then migrate again.';
    END IF;
    CREATE EXTENSION IF NOT EXISTS fuzzystrmatch;
END $$;

-- Words as they are compared: folded as names are, uncut, only letters and digits, one space between; at most 60
-- characters each, because an index entry has a limit.
CREATE FUNCTION plain(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    folded text := lower(value COLLATE pg_catalog.pg_c_utf8);
BEGIN
    IF octet_length(folded) = length(folded) THEN  -- ASCII, the usual case: half the time
        folded := regexp_replace(folded COLLATE "C", '[^a-z0-9]+', ' ', 'g');
    ELSE
        folded := regexp_replace(normalize(folded, NFKD), '[\u0300-\u036f]', '', 'g');
        folded := translate(replace(replace(replace(folded, 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'øłđðıħ', 'olddih');
        folded := regexp_replace(folded COLLATE pg_catalog.pg_c_utf8, '[^[:alnum:]]+', ' ', 'g');
    END IF;
    IF length(folded) > 60 AND folded ~ '[^ ]{61}' THEN
        folded := regexp_replace(folded, '([^ ]{60})[^ ]+', '\1', 'g');
    END IF;
    RETURN trim(folded);
END $$;

-- The host and path of an address, without what every address has.
CREATE FUNCTION site(address text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN replace(replace(replace(address, 'https://', ''), 'http://', ''), 'www.', '');

-- The texts of an array as one; an index can hold it, which it may not of array_to_string().
CREATE FUNCTION spaced(texts text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN array_to_string(texts, ' ');
END $$;

-- What is indexed of a row: '42/acme' for a word of its name, '42:zurich' for one of anything else. The tenant in each
-- makes one index serve all tenants without one reading another's.
CREATE FUNCTION search_terms(tenant bigint, name text, VARIADIC texts text[] DEFAULT ARRAY[]::text[]) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 AS $$
DECLARE
    named text := public.plain(name);
    told text := public.plain(array_to_string(texts, ' '));
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

-- The words a tenant has used, and about how often: what a typing error is measured against, and how common a word is.
-- The indexer writes it, a moment after the words are there (src/retainer/indexer.py).
CREATE TABLE words (
    tenant_id bigint NOT NULL CONSTRAINT words_tenant REFERENCES tenants (id),
    word text COLLATE "C" NOT NULL,
    uses bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, word),
    CONSTRAINT words_word_length CHECK (length(word) BETWEEN 2 AND 40)
) WITH (fillfactor = 80);
CREATE INDEX words_reversed ON words (tenant_id, reverse(word)) INCLUDE (word);

-- How far the indexer has read the journal, and finding what is new in it.
CREATE TABLE search_progress (
    one boolean PRIMARY KEY DEFAULT true CONSTRAINT search_progress_one CHECK (one),
    operation_id bigint NOT NULL
);
INSERT INTO search_progress (operation_id) VALUES (0);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX operations_in_order ON operations (id);

-- Words of the tenant that may have been meant: at most one error in words of 4 to 7 letters, two in longer ones; a
-- neighbouring pair exchanged counts as one. Without an error in one of its parts a word shares that part, so the words
-- that begin or end like the typed one are all that has to be compared. Of a long word only the beginning may be typed.
CREATE FUNCTION corrections(tenant bigint, typed text, most int) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET enable_seqscan = off SET enable_indexscan = on AS $$
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
            SELECT w.word, w.uses FROM words w
            WHERE w.tenant_id = tenant AND w.word >= head AND w.word < head || U&'\+10FFFF' AND CASE
                WHEN length(w.word) <= size + 2 THEN levenshtein_less_equal(w.word, typed, 2) <= 2
                ELSE size > 4 AND levenshtein_less_equal(left(w.word, size), typed, 1) <= 1 END
            UNION
            SELECT w.word, w.uses FROM words w
            WHERE w.tenant_id = tenant AND reverse(w.word) >= tail AND reverse(w.word) < tail || U&'\+10FFFF'
                AND levenshtein_less_equal(w.word, typed, 2) <= 2
        ) near, LATERAL errors(typed, near.word) AS distance
        WHERE distance <= allowed
        ORDER BY distance, near.uses DESC, near.word
        LIMIT most);
END $$;

-- How many errors lie between a typed word and one of at most 40 letters; of longer ones half an error more than
-- between the typed word and their beginning. 9 stands for many.
CREATE FUNCTION errors(typed text, word text) RETURNS numeric
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
CREATE FUNCTION letters(word text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (SELECT string_agg(letter, '' ORDER BY letter COLLATE "C") FROM string_to_table(word, NULL) letter);

-- What a search looks for. Every word typed counts as the beginning of a word; where the tenant has none such, the
-- words it may stand for count too. `names` and `texts` are the whole condition, on the name alone and on everything.
-- `key_names` and `key_texts` are what an index is asked for instead: the uncommon words, and where all are common
-- (`is_common`) those that are whole words; null where there are none such. `patterns` are the typed words for LIKE,
-- `meant` all words for highlights.
CREATE TYPE sought AS (
    phrase text, names tsquery, texts tsquery, key_names tsquery, key_texts tsquery, is_common boolean,
    patterns text[], meant text[]
);

-- `loosely`: every word may also stand for others like it; those that stand for nothing are left out, or else the most
-- common one of several.
CREATE FUNCTION sought(tenant bigint, q text, loosely boolean DEFAULT false) RETURNS sought
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
        result.meant := result.meant || each || others;
    END LOOP;
    kept := CASE WHEN loosely THEN all_but_the_least(commonness) ELSE array_fill(true, ARRAY[cardinality(named)]) END;
    result.is_common := NOT EXISTS (SELECT FROM unnest(few, kept) AS one (is_few, is_kept) WHERE one.is_few AND one.is_kept);
    result.names := every(named, kept, kept);
    result.texts := every(told, kept, kept);
    result.key_names := every(key_named, CASE WHEN result.is_common THEN keys ELSE few END, kept);
    result.key_texts := every(key_told, CASE WHEN result.is_common THEN keys ELSE few END, kept);
    RETURN result;
END $$;

-- Which words to keep when they were not found together: without those that nobody has used (null), or else without the
-- most common of several, which tells least.
CREATE FUNCTION all_but_the_least(commonness bigint[]) RETURNS boolean[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(
    SELECT uses IS NOT NULL AND (cardinality(commonness) = 1 OR array_position(commonness, NULL) IS NOT NULL
        OR place <> array_position(commonness, (SELECT max(u) FROM unnest(commonness) u)))
    FROM unnest(commonness) WITH ORDINALITY AS one (uses, place) ORDER BY place);

-- One typed word as a part of a query: it, or what begins with it, or one of the others, under one tag or two. Words
-- have letters and digits only: nothing in them needs escaping.
CREATE FUNCTION either(tag text, word text, is_beginning boolean, others text[], second_tag text DEFAULT NULL) RETURNS text
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

-- The parts that are chosen, and kept, together. Null when there is none.
CREATE FUNCTION every(parts text[], chosen boolean[], kept boolean[]) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT string_agg(part, '&' ORDER BY place) FROM unnest(parts, chosen, kept) WITH ORDINALITY
            AS one (part, is_chosen, is_kept, place) WHERE is_chosen AND is_kept)::tsquery;

-- One way to make a table searchable, used by every migration that makes one or adds a text to one: the index of its
-- words, and the functions that read it. `named` is the column of the name, `folded` that of its folded form, which an
-- index begins with after the tenant, `told` the other texts as expressions over the columns. What is written goes to the
-- index's list of what is pending, which a search reads as well, and the indexer sorts in: putting twenty words in their
-- places costs a writer half of a create.
CREATE PROCEDURE searchable(target text, named text, folded text, told text)
LANGUAGE plpgsql AS $procedure$
BEGIN
    EXECUTE format('DROP INDEX IF EXISTS %I', target || '_search');
    EXECUTE format('CREATE INDEX %I ON %I USING gin (search_terms(tenant_id, %s, %s)) WHERE deleted_by IS NULL', target || '_search', target, named, told);

    -- Every live row that has each word of q, at most so many, in no order: for filters. The words name the tenant, so
    -- the index of words alone is asked; the tenant's whole index beside it would take longer.
    EXECUTE format($definition$
        CREATE OR REPLACE FUNCTION %1$s_matching(tenant bigint, q text, most int) RETURNS SETOF bigint
        LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
        SET search_path = public, pg_temp SET enable_seqscan = off SET enable_indexscan = off AS $$
        DECLARE
            asked sought := sought(tenant, q);
        BEGIN
            RETURN QUERY SELECT r.id FROM (
                SELECT tenant_id, id FROM %1$s
                WHERE deleted_by IS NULL AND search_terms(tenant_id, %2$s, %3$s) @@ asked.texts LIMIT most) r
                WHERE r.tenant_id = tenant;
        END $$ $definition$, target, named, told);

    -- The same as an array; null where there are more than `most`, which for a single word the vocabulary knows at once.
    EXECUTE format($definition$
        CREATE OR REPLACE FUNCTION %1$s_few_matching(tenant bigint, q text, most int) RETURNS bigint[]
        LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
            typed text COLLATE "C" := plain(q);
            found bigint[];
        BEGIN
            IF typed NOT LIKE '%% %%' AND most < (SELECT sum(w.uses) FROM words w
                    WHERE w.tenant_id = tenant AND w.word >= typed AND w.word < typed || U&'\+10FFFF') THEN
                RETURN NULL;
            END IF;
            found := ARRAY(SELECT %1$s_matching(tenant, q, most + 1));
            RETURN CASE WHEN cardinality(found) <= most THEN found END;
        END $$ $definition$, target);

    -- Whether a row has each of them, for where they are so common that a list is walked instead.
    EXECUTE format($definition$
        CREATE OR REPLACE FUNCTION %1$s_matches(x %1$I, asked sought) RETURNS boolean
        LANGUAGE sql STABLE COST 3000 AS $$
            SELECT search_terms(tenant_id, %2$s, %3$s) @@ asked.texts FROM (SELECT x.*) given
        $$ $definition$, target, named, told);

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
                    WHERE folded LIKE ALL (asked.patterns) AND search_terms(tenant, %2$s) @@ asked.names LIMIT most;
                GET DIAGNOSTICS more = ROW_COUNT;
                so_far := so_far + more;
            END IF;
            IF asked.key_names IS NOT NULL AND NOT (asked.is_common AND so_far >= most / 4) THEN
                RETURN QUERY SELECT r.id, 2 FROM (
                        SELECT tenant_id, id, %2$s, %4$s AS folded FROM %1$s
                        WHERE deleted_by IS NULL
                            AND search_terms(tenant_id, %2$s, %3$s) @@ asked.key_names
                        LIMIT CASE WHEN asked.is_common THEN 300 ELSE 1000 END) r
                    WHERE r.tenant_id = tenant AND (asked.key_names = asked.names OR (
                        -- the cheap look first; it knows nothing of what a word may stand for
                        (r.folded LIKE ALL (asked.patterns) OR cardinality(asked.meant) > cardinality(asked.patterns))
                        AND search_terms(tenant, %2$s) @@ asked.names)) LIMIT most;
                GET DIAGNOSTICS more = ROW_COUNT;
                so_far := so_far + more;
            END IF;
            IF so_far < most / 2 THEN
                RETURN QUERY SELECT * FROM %1$s_told(tenant, asked, most);
            END IF;
        END $$ $definition$, target, named, told, folded);

    -- Planned anew each time: whether the index of words or the ids lead to the rows sooner depends on both.
    EXECUTE format($definition$
        CREATE OR REPLACE FUNCTION %1$s_within(tenant bigint, asked sought, within bigint[], most int)
        RETURNS TABLE (hit bigint, place int)
        LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
        SET search_path = public, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_custom_plan AS $$
        BEGIN
            RETURN QUERY SELECT r.id, CASE WHEN search_terms(tenant, %2$s) @@ asked.names THEN 2 ELSE 1 END
                FROM %1$s r
                WHERE r.tenant_id = tenant AND r.id = ANY (within) AND r.deleted_by IS NULL
                    AND search_terms(r.tenant_id, %2$s, %3$s) @@ asked.texts
                LIMIT most * 2;
        END $$ $definition$, target, named, told);

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
                        WHERE r.tenant_id = tenant AND r.deleted_by IS NULL ORDER BY r.id DESC LIMIT 200) newest
                    WHERE search_terms(tenant_id, %2$s, %3$s) @@ asked.texts LIMIT most;
                GET DIAGNOSTICS so_far = ROW_COUNT;
            END IF;
            IF asked.key_texts IS NOT NULL AND NOT (asked.is_common AND so_far >= 20) THEN
                RETURN QUERY SELECT r.id, 1 FROM (
                        SELECT * FROM %1$s
                        WHERE deleted_by IS NULL
                            AND search_terms(tenant_id, %2$s, %3$s) @@ asked.key_texts
                        LIMIT CASE WHEN asked.is_common THEN 200 ELSE 500 END) r
                    WHERE r.tenant_id = tenant AND (asked.key_texts = asked.texts
                        OR search_terms(tenant, %2$s, %3$s) @@ asked.texts) LIMIT most;
            END IF;
        END $$ $definition$, target, named, told);
END $procedure$;

CALL searchable('organizations', 'name', 'name_folded',
                'industry, site(website), description, external_id, spaced(domains), spaced(tags)');
CALL searchable('contacts', 'full_name', 'full_name_folded', 'email, mention_name, company, title, department');
CALL searchable('projects', 'title', 'title_folded', 'description');
CALL searchable('tasks', 'title', 'title_folded', 'description');
CALL searchable('documents', 'name', 'name_folded', 'description');

-- The text of files, taken out of them in the background: what became of each document's newest version, and its text in
-- passages, so that what was found can be shown without reading it all. Neighbouring passages overlap a little.
CREATE TABLE document_texts (
    tenant_id bigint NOT NULL,
    document_id bigint NOT NULL,
    number int NOT NULL,                            -- of the version
    outcome text NOT NULL,
    reason text,                                    -- why there is none
    characters int NOT NULL DEFAULT 0,
    at timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, document_id),
    CONSTRAINT document_texts_document FOREIGN KEY (tenant_id, document_id) REFERENCES documents (tenant_id, id),
    CONSTRAINT document_texts_outcome_known CHECK (outcome IN ('done', 'failed', 'no text')),
    CONSTRAINT document_texts_reason_length CHECK (length(reason) <= 500)
);
CREATE TABLE document_passages (
    tenant_id bigint NOT NULL,
    document_id bigint NOT NULL,
    place int NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (tenant_id, document_id, place),
    CONSTRAINT document_passages_text FOREIGN KEY (tenant_id, document_id)
        REFERENCES document_texts (tenant_id, document_id) ON DELETE CASCADE,
    CONSTRAINT document_passages_text_length CHECK (length(text) <= 5000)
);

-- search_terms of a passage; apart from it because the planner must know that it costs far more.
CREATE FUNCTION passage_terms(tenant bigint, passage text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 15000 AS $$
BEGIN
    RETURN public.search_terms(tenant, '', passage);
END $$;
CREATE INDEX document_passages_search ON document_passages USING gin (passage_terms(tenant_id, text));

-- Versions whose text is still to be taken out, written with them.
CREATE TABLE pending_texts (
    tenant_id bigint NOT NULL,
    id bigint GENERATED BY DEFAULT AS IDENTITY (MAXVALUE 9007199254740991),
    document_id bigint NOT NULL,
    number int NOT NULL,
    tries int NOT NULL DEFAULT 0,                   -- a file that kills its reader is not read for ever
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT pending_texts_version FOREIGN KEY (tenant_id, document_id, number)
        REFERENCES document_versions (tenant_id, document_id, number)
);
INSERT INTO pending_texts (tenant_id, document_id, number)
    SELECT d.tenant_id, d.id, d.latest FROM documents d WHERE d.link IS NULL AND d.deleted_by IS NULL;
CREATE FUNCTION await_text() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO pending_texts (tenant_id, document_id, number) VALUES (NEW.tenant_id, NEW.document_id, NEW.number);
    RETURN NULL;
END $$;
CREATE TRIGGER await_text AFTER INSERT ON document_versions FOR EACH ROW EXECUTE FUNCTION await_text();

-- The text of a deleted file is forgotten, so that it takes nobody's place among the passages found; one that is put
-- back is read again.
CREATE FUNCTION forget_text() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.deleted_by IS NULL THEN
        INSERT INTO pending_texts (tenant_id, document_id, number) VALUES (NEW.tenant_id, NEW.id, NEW.latest);
    ELSE
        DELETE FROM document_texts t WHERE t.tenant_id = NEW.tenant_id AND t.document_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER forget_text AFTER UPDATE ON documents FOR EACH ROW
    WHEN (NEW.link IS NULL AND (NEW.deleted_by IS NULL) <> (OLD.deleted_by IS NULL)) EXECUTE FUNCTION forget_text();

-- The passages worth ranking, one a document, as <noun>_found. Their words take long to find out: few are looked at.
-- Where the index alone decides, more are: a long file has a word on each of its pages, and is not to hide the others.
CREATE FUNCTION passages_found(tenant bigint, asked sought, within bigint[], most int)
RETURNS TABLE (hit bigint, place int)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100 SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
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

CREATE FUNCTION passages_within(tenant bigint, asked sought, within bigint[], most int)
RETURNS TABLE (hit bigint, place int)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 100
SET search_path = public, pg_temp SET enable_seqscan = off SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT ON (r.document_id) r.document_id, r.place FROM (
            SELECT p.document_id, p.place FROM document_passages p
            WHERE p.tenant_id = tenant AND p.document_id = ANY (within)
                AND passage_terms(p.tenant_id, p.text) @@ asked.texts
            LIMIT most * 20) r
        LIMIT most;
END $$;

-- A plan that is kept serves all tenants, so it must be right for the largest: an average one is so small that reading all
-- of it looks as cheap as looking one row up, and in a tenant of half a million rows that took 40 ms instead of 0.2.
-- From the next ANALYZE on, every tenant is planned for as if half of each table were its.
DO $$
DECLARE
    target regclass;
BEGIN
    FOR target IN
        SELECT c.oid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN tenant_id SET (n_distinct = 2)', target);
    END LOOP;
END $$;

CALL protect('words');
CALL protect('document_texts');
CALL protect('document_passages');
CALL protect('pending_texts');
GRANT SELECT ON words, document_texts, document_passages, pending_texts TO retainer_app;
