-- stored
-- Values derived from one column, and the rules of CHECKs over several. Generated columns, indexes
-- and CHECKs were computed with these, so a change here needs a migration that writes or validates
-- those anew (docs/decisions/0020).
--
-- Rules that the API's types check first, with better messages, are one plpgsql function a table:
-- PostgreSQL parses each CHECK in every statement, but the body of a plpgsql function once a
-- session. A null argument breaks no rule, as in a CHECK.

-- The host of an http(s) address without "www."; null where there is none. It is suggested as an
-- organization's domain. The pattern captures nothing: PostgreSQL takes twice as long to say where a
-- part begins as it takes to say that there is one.
CREATE OR REPLACE FUNCTION host(address text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    lowered CONSTANT text := lower(address COLLATE "C");
    host text;
BEGIN
    IF starts_with(lowered, 'https://') THEN
        host := substr(lowered, 9);
    ELSIF starts_with(lowered, 'http://') THEN
        host := substr(lowered, 8);
    END IF;
    host := split_part(translate(host, ':?#', '///'), '/', 1);
    IF host COLLATE "C" !~ '^([a-z0-9-]+\.)+[a-z][a-z0-9-]*\.?$' THEN
        RETURN NULL;
    END IF;
    IF right(host, 1) = '.' THEN
        host := left(host, -1);
    END IF;
    IF starts_with(host, 'www.') AND strpos(substr(host, 5), '.') > 0 THEN
        host := substr(host, 5);
    END IF;
    RETURN host;
END $$;

-- A document's format as people name it, by its media type; a link has no media type.
CREATE OR REPLACE FUNCTION document_format(media_type text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN media_type IS NULL THEN 'link'
    WHEN media_type = 'application/pdf' THEN 'pdf'
    WHEN media_type LIKE 'image/%' THEN 'image'
    WHEN media_type IN ('application/msword', 'application/rtf', 'application/vnd.oasis.opendocument.text',
        'application/vnd.openxmlformats-officedocument.wordprocessingml.document') THEN 'text_document'
    WHEN media_type IN ('application/vnd.ms-excel', 'application/vnd.oasis.opendocument.spreadsheet',
        'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet') THEN 'spreadsheet'
    WHEN media_type IN ('application/vnd.ms-powerpoint', 'application/vnd.oasis.opendocument.presentation',
        'application/vnd.openxmlformats-officedocument.presentationml.presentation') THEN 'presentation'
    WHEN media_type LIKE 'text/%' THEN 'text'
    ELSE 'other'
END;

CREATE OR REPLACE FUNCTION organization_values_known(
    name text, type text, status text, industry text, website text, description text,
    external_id text, domains text[], tags text[]
) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN length(name) BETWEEN 1 AND 255 AND name ~ '\S'
        AND type IN ('customer', 'prospect', 'partner', 'vendor', 'internal', 'other')
        AND status IN ('active', 'inactive', 'archived')
        AND length(industry) <= 255
        AND length(website) <= 2000
        AND length(description) <= 20000
        AND length(external_id) BETWEEN 1 AND 255 AND external_id ~ '\S'
        AND cardinality(domains) <= 50 AND array_position(domains, NULL) IS NULL
        AND cardinality(tags) <= 50 AND array_position(tags, NULL) IS NULL;
END $$;

CREATE OR REPLACE FUNCTION operation_words_known(
    actor_kind text, via text, outcome text, action text, request_id text
) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN actor_kind IN ('user', 'command', 'system')
        AND via IN ('web', 'api', 'key', 'import', 'merge', 'undo', 'command', 'system')
        AND outcome IN ('done', 'refused')
        AND length(action) BETWEEN 1 AND 100
        AND length(coalesce(request_id, '')) <= 100;
END $$;

CREATE OR REPLACE FUNCTION change_values_present(action text, before jsonb, after jsonb)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN action IN ('insert', 'update', 'delete')
        AND (action = 'insert') = (before IS NULL) AND (action = 'delete') = (after IS NULL);
END $$;

-- The application role alone may call these; PostgreSQL would let everybody.
REVOKE ALL ON FUNCTION
    host(text), document_format, organization_values_known, operation_words_known,
    change_values_present
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    host(text), document_format, organization_values_known, operation_words_known,
    change_values_present
TO retainer_app;
