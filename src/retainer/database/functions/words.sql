-- stored
-- The words of a row, and the entries of the indexes that find rows by them. docs/search-inside.md
-- shows each with an example.
-- Generated columns and indexes hold what these answer, so a change here needs a migration that
-- writes those anew (docs/decisions/0020).

-- A text as words: folded as names are but not cut, letters and digits only, one space between two
-- words, and at most 60 characters of each, because an index entry has a limit.
CREATE OR REPLACE FUNCTION plain(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    folded text := lower(value COLLATE pg_catalog.pg_c_utf8);
BEGIN
    IF octet_length(folded) = length(folded) THEN  -- ASCII, the usual case: half the time
        folded := regexp_replace(folded COLLATE "C", '[^a-z0-9]+', ' ', 'g');
    ELSE
        folded := regexp_replace(
            public.unaccented(folded) COLLATE pg_catalog.pg_c_utf8, '[^[:alnum:]]+', ' ', 'g');
        folded := public.in_pairs(folded);
    END IF;
    IF length(folded) > 60 AND folded ~ '[^ ]{61}' THEN
        folded := regexp_replace(folded, '([^ ]{60})[^ ]+', '\1', 'g');
    END IF;
    RETURN trim(folded);
END $$;

-- A text whose runs of letters of scripts without spaces are pairs of neighbours: "東京電力" becomes
-- "東京 京電 電力 力", so that a part of it is found as the beginning of a word is. The last letter
-- stands alone for who types it alone; typed_words() leaves it out, or it would have to be the last
-- of the run that is looked for, too.
CREATE OR REPLACE FUNCTION in_pairs(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF value !~ '[\u0e01-\u0eff\u1000-\u109f\u1780-\u17d3\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]' THEN
        RETURN value;
    END IF;
    RETURN (
        SELECT string_agg(CASE
                WHEN NOT one.is_dense THEN one.letter
                WHEN one.is_before THEN ' ' || one.letter || one.next || ' '
                ELSE ' ' || one.letter || ' ' END, '' ORDER BY one.place)
        FROM (
            SELECT c.letter, c.place, c.is_dense, lead(c.letter) OVER places AS next,
                coalesce(lead(c.is_dense) OVER places, false) AS is_before
            FROM (
                SELECT u.letter, u.place, ascii(u.letter) BETWEEN 3585 AND 3839
                    OR ascii(u.letter) BETWEEN 4096 AND 4255 OR ascii(u.letter) BETWEEN 6016 AND 6099
                    OR ascii(u.letter) BETWEEN 12293 AND 12295 OR ascii(u.letter) BETWEEN 12353 AND 12543
                    OR ascii(u.letter) BETWEEN 13312 AND 19903 OR ascii(u.letter) BETWEEN 19968 AND 40959
                    OR ascii(u.letter) BETWEEN 63744 AND 64255 OR ascii(u.letter) BETWEEN 131072 AND 262143
                    AS is_dense
                FROM unnest(string_to_array(value, NULL)) WITH ORDINALITY u (letter, place)) c
            WINDOW places AS (ORDER BY c.place)) one);
END $$;

-- The digits of a telephone number without leading zeros, and without the (0) that is dialled inside
-- a country only: +41, 0041 and 0 are alike then.
CREATE OR REPLACE FUNCTION phone_digits(phone text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN ltrim(regexp_replace(
        replace(regexp_replace(normalize(phone, NFKC), '(ext|x|#).*$', '', 'i'), '(0)', ''), '[^0-9]', '', 'g'), '0');
END $$;

-- The ends of a telephone number, from six digits on, as words.
CREATE OR REPLACE FUNCTION phone_words(phone text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    digits CONSTANT text := left(public.phone_digits(phone), 20);
BEGIN
    RETURN coalesce((
        SELECT string_agg(right(digits, n), ' ' ORDER BY n DESC) FROM generate_series(6, length(digits)) n), digits);
END $$;

-- The host and path of an address, without the parts that every address has.
CREATE OR REPLACE FUNCTION site(address text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN replace(replace(replace(address, 'https://', ''), 'http://', ''), 'www.', '');

-- The texts of an array as one. array_to_string() itself is not IMMUTABLE, so a generated column
-- may not use it.
CREATE OR REPLACE FUNCTION spaced(texts text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN array_to_string(texts, ' ');
END $$;

-- The column `words`: the words of the name, a slash, the words of the other texts. Kept beside the
-- row because common words are found by looking at rows, and folding a row's texts anew takes 20 µs
-- where a look takes one.
CREATE OR REPLACE FUNCTION words_of(name text, VARIADIC told text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN concat(' ', public.plain(name), ' / ', public.plain(array_to_string(told, ' ')));
END $$;

-- The entries of the index of words: '42/acme' for a word of the name, '42:zurich' for one of the
-- other texts. The tenant in each lets one index serve all tenants without reading another's
-- entries.
CREATE OR REPLACE FUNCTION word_terms(tenant bigint, words text) RETURNS tsvector
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

-- The column `word_bits`: one of 256 bits for the first three letters of each word. A row that
-- lacks a bit of a search lacks a word of it. The index of a list's order includes these bits, so
-- most rows are ruled out without being read.
CREATE OR REPLACE FUNCTION bits_of(words text) RETURNS bit
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

-- The entries of the index for parts of names: from each letter on, four letters behind the tenant
-- ('42/acme', '42/cme '; fewer at the end). Three letters, as pg_trgm has them, stand in many
-- names, and it meets the other tenants' too: ten times as long.
CREATE OR REPLACE FUNCTION name_parts(tenant bigint, name text) RETURNS tsvector
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

-- The entries of the index of tags, each behind its tenant.
CREATE OR REPLACE FUNCTION tags_of(tenant bigint, tags text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN ARRAY(SELECT tenant || '/' || tag FROM unnest(tags) tag);
END $$;

-- The entries of a passage of a file's text, in the form of word_terms().
CREATE OR REPLACE FUNCTION search_terms(
    tenant bigint, name text, VARIADIC texts text[] DEFAULT ARRAY[]::text[]
) RETURNS tsvector
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

-- The same under a cost of its own: the planner must know that a passage takes far longer than a
-- name does.
CREATE OR REPLACE FUNCTION passage_terms(tenant bigint, passage text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 15000 AS $$
BEGIN
    RETURN public.search_terms(tenant, '', passage);
END $$;

-- The application role alone may call these; PostgreSQL would let everybody.
REVOKE ALL ON FUNCTION
    plain, in_pairs, phone_digits, phone_words, site, spaced, words_of, word_terms, bits_of,
    name_parts, tags_of, search_terms, passage_terms
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    plain, in_pairs, phone_digits, phone_words, site, spaced, words_of, word_terms, bits_of,
    name_parts, tags_of, search_terms, passage_terms
TO retainer_app;
