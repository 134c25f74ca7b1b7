-- stored
-- Texts as they are compared and sorted: without case and accents, the same on every server.
-- Generated columns and indexes hold what these answer, so a change here needs a migration that
-- writes those anew (docs/decisions/0020).

-- A key that ignores case, whatever the server's locale: user names and e-mail addresses.
CREATE OR REPLACE FUNCTION lowercase(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(value COLLATE pg_catalog.pg_c_utf8);

-- A text in small letters without accents and what nobody sees, and with one letter for those that
-- are one to who types them. All comparing, sorting and searching goes by this one table; the
-- highlights of search have it too (search/highlight.py).
CREATE OR REPLACE FUNCTION unaccented(lowered text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    plain text := regexp_replace(
        normalize(lowered, NFKD),
        '[\u00ad\u0300-\u036f\u061c\u0e47-\u0e4e\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f'
        '\u202a-\u202e\u2060-\u206f\u2800\u3099\u309a\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb'
        '\U0001d173-\U0001d17a\U000e0000-\U000e0fff]',
        '', 'g');
BEGIN
    plain := replace(replace(replace(plain, 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe');
    RETURN translate(replace(plain, 'þ', 'th'), 'øłđðıħς', 'olddihσ');
END $$;

-- Names sort and match without case and accents. Cut to 255 characters, for an index entry has a
-- limit. ASCII, the usual case, is done with lower(). In plpgsql, whose body PostgreSQL parses once
-- a session: expressions of generated columns, and SQL functions in them, are parsed in every
-- statement.
CREATE OR REPLACE FUNCTION fold(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    lowered text := lower(value COLLATE pg_catalog.pg_c_utf8);
BEGIN
    IF octet_length(lowered) > length(lowered) THEN
        lowered := public.unaccented(lowered);
    END IF;
    RETURN left(lowered, 255);
END $$;

-- Each text of an array folded.
CREATE OR REPLACE FUNCTION fold_each(texts text[]) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN CASE WHEN texts = '{}' THEN texts ELSE ARRAY(SELECT public.fold(t) FROM unnest(texts) t) END;
END $$;

-- A sort key is never null, so that a page can begin behind any row: a row without a value sorts
-- behind all others.
CREATE OR REPLACE FUNCTION fold_key(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN coalesce(public.fold(value), U&'\+10FFFF');
END $$;

-- The beginning of a text on one line: the title of a record that has none, such as an activity.
CREATE OR REPLACE FUNCTION first_words(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN left(btrim(regexp_replace(left(ltrim(value, E' \t\r\n'), 500), '\s+', ' ', 'g')), 120);
END $$;

-- The application role alone may call these; PostgreSQL would let everybody.
REVOKE ALL ON FUNCTION
    lowercase, unaccented, fold, fold_each, fold_key, first_words
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lowercase, unaccented, fold, fold_each, fold_key, first_words
TO retainer_app;
