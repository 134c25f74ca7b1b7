-- Creates of several requests in one transaction, each an operation of its own (docs/decisions/0018).

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- Who acts, in a statement that is a request's only one: what ran before it in the transaction was another request's.
-- Whoever would have to wait for a lock gives up soon, as all the others would wait with it.
CREATE FUNCTION acting_anew(session bigint, acting_role text, through text, request text, doing text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM set_config('retainer.operation', '', true), set_config('lock_timeout', '50ms', true);
    RETURN acting(session, acting_role, through, request, doing);
END $$;

-- squawk-ignore-file ban-drop-constraint, constraint-missing-not-valid
-- What the API's types refuse already, with better words, is one CHECK: PostgreSQL reads each CHECK anew in every
-- statement, but a body in plpgsql once a session. Where nothing is given nothing is wrong, as in the CHECKs before it.
CREATE FUNCTION organization_values_known(
    name text, type text, status text, industry text, website text, description text, external_id text, domains text[],
    tags text[]
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
ALTER TABLE organizations
    DROP CONSTRAINT organizations_name_length,
    DROP CONSTRAINT organizations_type_known,
    DROP CONSTRAINT organizations_status_known,
    DROP CONSTRAINT organizations_industry_length,
    DROP CONSTRAINT organizations_website_length,
    DROP CONSTRAINT organizations_description_length,
    DROP CONSTRAINT organizations_external_id_length,
    DROP CONSTRAINT organizations_domains_count,
    DROP CONSTRAINT organizations_tags_count,
    ADD CONSTRAINT organizations_values_known CHECK (organization_values_known(
        name, type, status, industry, website, description, external_id, domains, tags));
