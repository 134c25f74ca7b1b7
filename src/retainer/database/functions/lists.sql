-- Filters of lists that no index serves under row-level security, because their operators are not
-- leakproof: parts of names, metadata, tags.
--
-- Each is a pair of functions that run as the owner and take the tenant. <table>_<filter> answers
-- ids in the list's usual order, which the list then reads again, through the viewer. It answers
-- null where the list is better walked in its order: a table of few rows, a value so common that 5
-- of the first 500 rows have it (a page of 50 is then found among some 5,000), or more than `most`
-- rows. <table>_<filter>_by_index asks the index, by a bitmap whatever the planner thinks of a
-- value that it has never seen.

-- By a part of the name.
CALL for_each_searched('by_part', $template$
    CREATE OR REPLACE FUNCTION {table}_named(tenant bigint, wanted text, most int)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
    DECLARE
        first CONSTANT int := 500;
        matches int;
        seen int;
        found bigint[];
    BEGIN
        PERFORM refuse_other_tenant(tenant);
        SELECT count(*) FILTER (WHERE x.{folded} LIKE like_part(wanted)), count(*)
        INTO matches, seen
        FROM (SELECT * FROM {table} x WHERE x.tenant_id = tenant AND x.deleted_by IS NULL
              ORDER BY x.{usual}, x.id LIMIT first) x;
        IF seen < first OR matches >= 5 THEN
            RETURN NULL;
        END IF;
        found := {table}_named_by_index(tenant, wanted, most);
        RETURN CASE WHEN cardinality(found) > most THEN NULL ELSE coalesce(found, '{}') END;
    END $$;

    CREATE OR REPLACE FUNCTION {table}_named_by_index(tenant bigint, wanted text, most int)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
    SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off AS $$
    BEGIN
        RETURN (SELECT array_agg(candidates.id ORDER BY candidates.place, candidates.id) FROM (
            SELECT x.id, x.place FROM (
                SELECT x.tenant_id, x.id, x.{usual} AS place, x.{folded} AS name FROM {table} x
                WHERE x.deleted_by IS NULL
                    AND name_parts(x.tenant_id, x.{folded}) @@ having_part(tenant, wanted)
                OFFSET 0) x
            WHERE x.tenant_id = tenant AND x.name LIKE like_part(wanted) LIMIT most + 1
        ) candidates);
    END $$;
$template$);

-- The pattern for LIKE that finds the folded part anywhere.
CREATE OR REPLACE FUNCTION like_part(part text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN '%' || replace(replace(replace(fold(part), '\', '\\'), '%', '\%'), '_', '\_') || '%';

-- The same part for the index of name_parts(): all of its runs of four letters, or of a shorter
-- part whatever begins with it.
CREATE OR REPLACE FUNCTION having_part(tenant bigint, part text) RETURNS tsquery
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    folded CONSTANT text := fold(part);
BEGIN
    IF length(folded) < 4 THEN
        RETURN (format('''%s''', tenant || '/' || escaped(folded)) || ':*')::tsquery;
    END IF;
    RETURN (SELECT string_agg(
                DISTINCT format('''%s''', tenant || '/' || escaped(substr(folded, i, 4))), '&')
            FROM generate_series(1, length(folded) - 3) i)::tsquery;
END $$;

-- A text between the quotes of a tsquery.
CREATE OR REPLACE FUNCTION escaped(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN replace(replace(value, '\', '\\'), '''', '''''');

-- By metadata: rows that contain any of some objects.
CALL for_each_searched('by_metadata', $template$
    CREATE OR REPLACE FUNCTION {table}_with_metadata(tenant bigint, wanted jsonb[], most int)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
    DECLARE
        first CONSTANT int := 500;
        matches int;
        seen int;
        found bigint[];
    BEGIN
        PERFORM refuse_other_tenant(tenant);
        SELECT count(*) FILTER (WHERE x.metadata @> ANY (wanted)), count(*) INTO matches, seen
        FROM (SELECT * FROM {table} x WHERE x.tenant_id = tenant AND x.deleted_by IS NULL
              ORDER BY x.{usual}, x.id LIMIT first) x;
        IF seen < first OR matches >= 5 THEN
            RETURN NULL;
        END IF;
        found := {table}_with_metadata_by_index(tenant, wanted, most);
        RETURN CASE WHEN cardinality(found) > most THEN NULL ELSE coalesce(found, '{}') END;
    END $$;

    CREATE OR REPLACE FUNCTION {table}_with_metadata_by_index(
        tenant bigint, wanted jsonb[], most int
    )
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
    SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off AS $$
    BEGIN
        RETURN (SELECT array_agg(candidates.id ORDER BY candidates.place, candidates.id) FROM (
            SELECT DISTINCT y.id, y.place FROM unnest(wanted) w, LATERAL (
                SELECT x.id, x.{usual} AS place FROM {table} x
                WHERE x.tenant_id = tenant AND x.deleted_by IS NULL AND x.metadata IS NOT NULL
                    AND x.metadata @> w
                LIMIT most + 1) y
        ) candidates);
    END $$;
$template$);

-- By tags: rows that have any of some.
CALL for_each_searched('by_tag', $template$
    CREATE OR REPLACE FUNCTION {table}_tagged(tenant bigint, wanted text[], most int)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan AS $$
    DECLARE
        first CONSTANT int := 500;
        matches int;
        seen int;
        found bigint[];
    BEGIN
        PERFORM refuse_other_tenant(tenant);
        SELECT count(*) FILTER (WHERE x.tags_folded && wanted), count(*) INTO matches, seen
        FROM (SELECT * FROM {table} x WHERE x.tenant_id = tenant AND x.deleted_by IS NULL
              ORDER BY x.{usual}, x.id LIMIT first) x;
        IF seen < first OR matches >= 5 THEN
            RETURN NULL;
        END IF;
        found := {table}_tagged_by_index(tenant, wanted, most);
        RETURN CASE WHEN cardinality(found) > most THEN NULL ELSE coalesce(found, '{}') END;
    END $$;

    CREATE OR REPLACE FUNCTION {table}_tagged_by_index(tenant bigint, wanted text[], most int)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
    SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off AS $$
    BEGIN
        RETURN (SELECT array_agg(candidates.id ORDER BY candidates.place, candidates.id) FROM (
            SELECT x.id, x.place FROM (
                SELECT x.tenant_id, x.id, x.{usual} AS place FROM {table} x
                WHERE x.deleted_by IS NULL AND x.tags_folded <> '{}'
                    AND tags_of(x.tenant_id, x.tags_folded) && tags_of(tenant, wanted) OFFSET 0) x
            WHERE x.tenant_id = tenant LIMIT most + 1
        ) candidates);
    END $$;
$template$);

-- Whether two telephone numbers are one, by their digits (phone_digits()): the shorter one, of six
-- digits at least, is the end of the other. It may lack its country, or be what somebody remembers.
CREATE OR REPLACE FUNCTION is_same_phone(one text, other text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN length(one) > 5 AND length(other) > 5
        AND right(one, length(other)) = right(other, length(one));
END $$;

-- By a telephone number. The words of a row have the ends of its numbers, from six digits on, so
-- that one word finds all that may be meant, whose numbers are then compared.
CREATE OR REPLACE FUNCTION contacts_with_phone(tenant bigint, digits text, most int)
RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off AS $$
DECLARE
    word CONSTANT tsquery := quote_literal(tenant || ':' || right(digits, 6))::tsquery;
    found bigint[];
BEGIN
    PERFORM refuse_other_tenant(tenant);
    found := (SELECT array_agg(candidates.id ORDER BY candidates.place, candidates.id) FROM (
        SELECT x.id, x.full_name_folded AS place FROM contacts x
        WHERE x.deleted_by IS NULL AND word_terms(x.tenant_id, x.words) @@ word
            AND x.tenant_id = tenant AND is_same_phone(phone_digits(x.phone), digits)
        LIMIT most + 1) candidates);
    RETURN CASE WHEN cardinality(found) > most THEN NULL ELSE coalesce(found, '{}') END;
END $$;

-- The application role alone may call these; PostgreSQL would let everybody. Those that ask the
-- indexes are called by the functions above only.
REVOKE ALL ON FUNCTION like_part, having_part, escaped, is_same_phone, contacts_with_phone
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION like_part, having_part, escaped, is_same_phone, contacts_with_phone
TO retainer_app;
CALL for_each_searched('by_part', $template$
    REVOKE ALL ON FUNCTION {table}_named, {table}_named_by_index FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION {table}_named TO retainer_app;
$template$);
CALL for_each_searched('by_metadata', $template$
    REVOKE ALL ON FUNCTION {table}_with_metadata, {table}_with_metadata_by_index FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION {table}_with_metadata TO retainer_app;
$template$);
CALL for_each_searched('by_tag', $template$
    REVOKE ALL ON FUNCTION {table}_tagged, {table}_tagged_by_index FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION {table}_tagged TO retainer_app;
$template$);
