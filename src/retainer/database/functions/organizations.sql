-- Organizations: domains, tags and the hierarchy.

-- Keeps organization_domains equal to the domains of live organizations. A deleted organization
-- frees its domains; a restored one may find them taken.
CREATE OR REPLACE FUNCTION keep_domains() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    taken record;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM organization_domains d
        WHERE d.tenant_id = NEW.tenant_id AND d.organization_id = NEW.id
            AND (NEW.deleted_by IS NOT NULL OR d.domain <> ALL (NEW.domains));
    END IF;
    IF NEW.deleted_by IS NOT NULL THEN
        RETURN NULL;
    END IF;
    -- In one order, so that two who take several never wait for each other. Who meets another's
    -- here waits for them.
    INSERT INTO organization_domains (tenant_id, domain, organization_id)
    SELECT NEW.tenant_id, d, NEW.id FROM unnest(NEW.domains) d ORDER BY d
    ON CONFLICT DO NOTHING;
    SELECT d.domain, d.organization_id INTO taken FROM organization_domains d
    WHERE d.tenant_id = NEW.tenant_id AND d.domain = ANY (NEW.domains)
        AND d.organization_id <> NEW.id
    ORDER BY d.domain LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '"%" is already a domain of organization %; take it away there first',
            taken.domain, taken.organization_id USING ERRCODE = 'RT409', COLUMN = 'domains';
    END IF;
    RETURN NULL;
END $$;

-- Tags are trimmed, and each is kept once whatever its case and accents, in the order given. The
-- trigger's name sorts before count_version, which must see the tags as they are kept.
CREATE OR REPLACE FUNCTION clean_tags() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.tags := ARRAY(
        SELECT f.tag FROM (
            SELECT DISTINCT ON (fold(t.tag)) t.tag, t.place
            FROM (SELECT regexp_replace(given.tag, '^\s+|\s+$', '', 'g') AS tag, given.place
                FROM unnest(NEW.tags) WITH ORDINALITY given (tag, place)) t
            ORDER BY fold(t.tag), t.place
        ) f ORDER BY f.place);
    IF EXISTS (SELECT FROM unnest(NEW.tags) t WHERE length(t) NOT BETWEEN 1 AND 50) THEN
        RAISE EXCEPTION 'must have 1 to 50 characters each, not only spaces'
            USING ERRCODE = 'RT422', COLUMN = 'tags';
    END IF;
    RETURN NEW;
END $$;

-- Held before any row by a request that gives an organization another parent. Two that make each
-- other the parent at the same moment would otherwise both find nothing wrong, or wait for each
-- other's rows.
CREATE OR REPLACE FUNCTION lock_hierarchy(tenant bigint) RETURNS void
LANGUAGE sql VOLATILE AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('organization_hierarchy', tenant))
$$;

-- The parent is there, locked so that it cannot be deleted meanwhile, and no organization is above
-- itself. A new organization has nothing below it and needs no lock; only the depth can be exceeded
-- by two creates at the same moment.
CREATE OR REPLACE FUNCTION keep_hierarchy() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    deepest CONSTANT int := 32;
    above bigint[];
    below int;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM lock_hierarchy(NEW.tenant_id);
    END IF;
    PERFORM FROM organizations o
    WHERE o.tenant_id = NEW.tenant_id AND o.id = NEW.parent_id AND o.deleted_by IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'is no organization that is there'
            USING ERRCODE = 'RT422', COLUMN = 'parentId';
    END IF;
    WITH RECURSIVE up (id, parent_id, level) AS (
        SELECT o.id, o.parent_id, 1 FROM organizations o
        WHERE o.tenant_id = NEW.tenant_id AND o.id = NEW.parent_id
        UNION ALL
        SELECT o.id, o.parent_id, up.level + 1 FROM up
        JOIN organizations o ON o.tenant_id = NEW.tenant_id AND o.id = up.parent_id
        WHERE up.level < deepest AND up.id <> NEW.id
    )
    SELECT array_agg(up.id) INTO above FROM up;
    IF NEW.id = ANY (above) THEN
        RAISE EXCEPTION 'must not be below the organization itself'
            USING ERRCODE = 'RT422', COLUMN = 'parentId';
    END IF;
    WITH RECURSIVE down (id, level) AS (
        SELECT NEW.id, 1
        UNION ALL
        SELECT o.id, down.level + 1 FROM down JOIN organizations o ON o.tenant_id = NEW.tenant_id
            AND o.parent_id = down.id AND o.deleted_by IS NULL
        WHERE down.level < deepest AND TG_OP = 'UPDATE'
    )
    SELECT max(down.level) INTO below FROM down;
    IF cardinality(above) + below > deepest THEN
        RAISE EXCEPTION 'would make more than % levels; choose one further up', deepest
            USING ERRCODE = 'RT422', COLUMN = 'parentId';
    END IF;
    RETURN NULL;
END $$;

-- An organization and all below it that are not deleted. UNION, not UNION ALL: it ends even in a
-- circle.
CREATE OR REPLACE FUNCTION organization_subtree(tenant bigint, root bigint) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH RECURSIVE tree (id) AS (
        SELECT o.id FROM organizations o
        WHERE o.tenant_id = tenant AND o.id = root AND o.deleted_by IS NULL
        UNION
        SELECT o.id FROM tree JOIN organizations o ON o.tenant_id = tenant AND o.parent_id = tree.id
            AND o.deleted_by IS NULL
    )
    SELECT tree.id FROM tree
$$;

-- The application role alone may call these; PostgreSQL would let everybody.
REVOKE ALL ON FUNCTION
    lock_hierarchy, organization_subtree, keep_domains, clean_tags, keep_hierarchy
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    lock_hierarchy, organization_subtree
TO retainer_app;
