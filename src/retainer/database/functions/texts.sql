-- Texts as they are kept, whoever writes them: what an undo gives back may be older than the rules
-- of database/texts.py, which are the same. Triggers bring each text into this form; what nothing is
-- left of is refused by its field.

-- A text on one line: control characters become spaces, those around it are taken off, and an empty
-- one is null.
CREATE OR REPLACE FUNCTION one_line(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    kept text := value COLLATE pg_catalog.pg_c_utf8;
BEGIN
    IF kept ~ '[[:cntrl:]\u2028\u2029]|^\s|\s$' THEN
        kept := regexp_replace(kept, '[[:cntrl:]\u2028\u2029]+', ' ', 'g');
        kept := regexp_replace(kept, '^\s+|\s+$', '', 'g');
    END IF;
    RETURN nullif(kept, '');
END $$;

-- A longer text: it keeps its line breaks and tabs, and its spaces.
CREATE OR REPLACE FUNCTION several_lines(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    kept text := value COLLATE pg_catalog.pg_c_utf8;
BEGIN
    IF kept ~ '[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]' THEN
        kept := regexp_replace(kept, '[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]+', ' ', 'g');
    END IF;
    RETURN CASE WHEN kept ~ '\S' THEN kept END;
END $$;

-- Whether a text has a character that can be seen. Not seen are spaces, controls, accents without a
-- letter, joiners, marks of direction, selectors of variants, and what fills a place, of Hangul and
-- Braille.
CREATE OR REPLACE FUNCTION is_seen(value text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN value COLLATE pg_catalog.pg_c_utf8 ~ (
        '[^[:space:][:cntrl:]'
        '\u00ad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f'
        '\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]');
END $$;

-- A text of a field that must have one, as one_line() or several_lines() has made it.
CREATE OR REPLACE FUNCTION required(value text, field text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF is_seen(value) THEN
        RETURN value;
    END IF;
    RAISE EXCEPTION 'would be a text of which nothing can be seen; such texts were allowed once, and are not any more'
        USING ERRCODE = 'RT409', COLUMN = field;
END $$;

CREATE OR REPLACE FUNCTION clean_texts_of_organization() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.name := required(one_line(NEW.name), 'name');
    NEW.industry := one_line(NEW.industry);
    NEW.website := one_line(NEW.website);
    NEW.description := several_lines(NEW.description);
    NEW.external_id := one_line(NEW.external_id);
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION clean_texts_of_contact() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.full_name := required(one_line(NEW.full_name), 'fullName');
    NEW.mention_name := one_line(NEW.mention_name);
    NEW.email := one_line(NEW.email);
    NEW.phone := one_line(NEW.phone);
    NEW.company := one_line(NEW.company);
    NEW.title := one_line(NEW.title);
    NEW.department := one_line(NEW.department);
    NEW.external_id := one_line(NEW.external_id);
    RETURN NEW;
END $$;

-- Projects and tasks.
CREATE OR REPLACE FUNCTION clean_texts_of_work() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.title := required(one_line(NEW.title), 'title');
    NEW.description := several_lines(NEW.description);
    NEW.external_id := one_line(NEW.external_id);
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION clean_texts_of_document() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.name := required(one_line(NEW.name), 'name');
    NEW.description := several_lines(NEW.description);
    NEW.link := one_line(NEW.link);
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION clean_texts_of_activity() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.text := required(several_lines(NEW.text), 'text');
    NEW.external_id := one_line(NEW.external_id);
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION clean_texts_of_view() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.name := required(one_line(NEW.name), 'name');
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION clean_texts_of_user() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.full_name := required(one_line(NEW.full_name), 'fullName');
    NEW.username := required(one_line(NEW.username), 'username');
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION clean_texts_of_tenant() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.name := required(one_line(NEW.name), 'name');
    RETURN NEW;
END $$;

-- The application role alone may call these; PostgreSQL would let everybody.
REVOKE ALL ON FUNCTION
    one_line, several_lines, is_seen, required, clean_texts_of_organization, clean_texts_of_contact,
    clean_texts_of_work, clean_texts_of_document, clean_texts_of_activity, clean_texts_of_view,
    clean_texts_of_user, clean_texts_of_tenant
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION one_line, several_lines, is_seen, required TO retainer_app;
