-- Organizations: domains, tags and the hierarchy.

-- Keeps organization_domains equal to the domains of live organizations. A deleted organization
-- frees its domains; a restored one may find them taken.
--
-- Who gives a domain locks its row in known_domains, in one order, so that two who give several
-- never wait for each other. The hierarchy may not change meanwhile.
CREATE OR REPLACE FUNCTION keep_domains() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM organization_domains d
        WHERE d.tenant_id = NEW.tenant_id AND d.domain = ANY (OLD.domains)
            AND d.organization_id = NEW.id
            AND (NEW.deleted_by IS NOT NULL OR d.domain <> ALL (NEW.domains));
    END IF;
    IF NEW.deleted_by IS NULL THEN
        PERFORM pg_advisory_xact_lock_shared(hierarchy_key(NEW.tenant_id));
        INSERT INTO known_domains (tenant_id, domain)
        SELECT DISTINCT NEW.tenant_id, d FROM unnest(NEW.domains) d ORDER BY d
        ON CONFLICT (tenant_id, domain) DO UPDATE SET domain = excluded.domain;
        INSERT INTO organization_domains (tenant_id, domain, organization_id)
        SELECT NEW.tenant_id, d, NEW.id FROM unnest(NEW.domains) d
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;

-- Organizations that share a domain stand in one hierarchy. Judged where one is given a domain, and
-- where it moves with all below it; what is undone in one go is judged at its end.
--
-- The plans are kept for the session, perhaps from when the table was empty; a bulk fills it before
-- anything analyses it. So the table of domains has one index only, and each table is asked for one
-- row or domain at a time (LATERAL … OFFSET 0): there is no other way to read it than the quick one.
CREATE OR REPLACE FUNCTION keep_domains_together() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    moved bigint[] := ARRAY[NEW.id];
    given text[] := NEW.domains;
    each text;
    other bigint;
    root bigint;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.parent_id IS DISTINCT FROM OLD.parent_id THEN
        PERFORM lock_hierarchy(NEW.tenant_id);
        moved := ARRAY(SELECT organization_subtree(NEW.tenant_id, NEW.id));
        IF cardinality(moved) > 1 THEN
            given := ARRAY(
                SELECT DISTINCT d FROM unnest(moved) m (id), LATERAL (
                    SELECT o.domains FROM organizations o
                    WHERE o.tenant_id = NEW.tenant_id AND o.id = m.id OFFSET 0) o,
                    unnest(o.domains) d);
        END IF;
    END IF;
    FOR each, other IN
        SELECT g.domain, held.organization_id FROM unnest(given) g (domain), LATERAL (
            SELECT d.organization_id FROM organization_domains d
            WHERE d.tenant_id = NEW.tenant_id AND d.domain = g.domain OFFSET 0) held
        WHERE held.organization_id NOT IN (SELECT m.id FROM unnest(moved) m (id))
        ORDER BY g.domain, held.organization_id
    LOOP
        root := coalesce(root, organization_root(NEW.tenant_id, NEW.id));
        IF organization_root(NEW.tenant_id, other) <> root THEN
            RAISE EXCEPTION
                '"%" is already a domain of organization %, which is in another hierarchy; take it away there first',
                each, other USING ERRCODE = 'RT409', COLUMN = 'domains';
        END IF;
    END LOOP;
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

-- The number of the lock of a tenant's hierarchy.
CREATE OR REPLACE FUNCTION hierarchy_key(tenant bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN hashtextextended('organization_hierarchy', tenant);

-- Held before any row by a request that gives an organization another parent. Two that make each
-- other the parent at the same moment would otherwise both find nothing wrong, or wait for each
-- other's rows.
CREATE OR REPLACE FUNCTION lock_hierarchy(tenant bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM refuse_other_tenant(tenant);
    PERFORM pg_advisory_xact_lock(hierarchy_key(tenant));
END $$;

-- The parent is there, locked so that it cannot be deleted meanwhile, and no organization is above
-- itself. A new organization has nothing below it and needs no lock; only the depth can be exceeded
-- by two creates at the same moment.
CREATE OR REPLACE FUNCTION keep_hierarchy() RETURNS trigger
LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    deepest CONSTANT int := 32;
    levels int := 1;
    above bigint := NEW.parent_id;
    level bigint[] := ARRAY[NEW.id];
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
    WHILE above IS NOT NULL AND levels <= deepest LOOP
        IF above = NEW.id THEN
            RAISE EXCEPTION 'must not be below the organization itself'
                USING ERRCODE = 'RT422', COLUMN = 'parentId';
        END IF;
        levels := levels + 1;
        above := (SELECT o.parent_id FROM organizations o
            WHERE o.tenant_id = NEW.tenant_id AND o.id = above);
    END LOOP;
    WHILE TG_OP = 'UPDATE' AND levels <= deepest LOOP
        level := organizations_below(NEW.tenant_id, level);
        EXIT WHEN cardinality(level) = 0;
        levels := levels + 1;
    END LOOP;
    IF levels > deepest THEN
        RAISE EXCEPTION 'would make more than % levels; choose one further up', deepest
            USING ERRCODE = 'RT422', COLUMN = 'parentId';
    END IF;
    RETURN NULL;
END $$;

-- The organizations directly below these that are not deleted. Each is looked up by itself, in an
-- order that only the index by parent has: by another, which costs as much in a small table or one
-- that nobody has analysed, each call would read all organizations of the tenant.
CREATE OR REPLACE FUNCTION organizations_below(tenant bigint, above bigint[]) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off SET enable_sort = off AS $$
BEGIN
    PERFORM refuse_other_tenant(tenant);
    RETURN ARRAY(
        SELECT below.id FROM unnest(above) a (id), LATERAL (
            SELECT o.id FROM organizations o
            WHERE o.tenant_id = tenant AND o.parent_id BETWEEN a.id AND a.id
                AND o.deleted_by IS NULL
            ORDER BY o.parent_id OFFSET 0) below);
END $$;

-- An organization and all below it that are not deleted. It ends even in a circle.
CREATE OR REPLACE FUNCTION organization_subtree(tenant bigint, root bigint) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    level bigint[];
BEGIN
    PERFORM refuse_other_tenant(tenant);
    level := ARRAY(SELECT o.id FROM organizations o
        WHERE o.tenant_id = tenant AND o.id = root AND o.deleted_by IS NULL);
    FOR step IN 0 .. 64 LOOP
        EXIT WHEN cardinality(level) = 0;
        RETURN QUERY SELECT unnest(level);
        level := organizations_below(tenant, level);
    END LOOP;
END $$;

-- An organization (level 0) and all above it that are not deleted. It ends even in a circle.
CREATE OR REPLACE FUNCTION organizations_above(tenant bigint, organization bigint)
RETURNS TABLE (id bigint, level bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    parent bigint;
BEGIN
    id := organization;
    FOR step IN 0 .. 64 LOOP
        SELECT o.parent_id INTO parent FROM organizations o
        WHERE o.tenant_id = tenant AND o.id = organizations_above.id AND o.deleted_by IS NULL;
        EXIT WHEN NOT FOUND;
        level := step;
        RETURN NEXT;
        EXIT WHEN parent IS NULL;
        id := parent;
    END LOOP;
END $$;

-- The organization at the top of the one's hierarchy, and the number of those above it.
CREATE OR REPLACE FUNCTION organization_root(tenant bigint, organization bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    root bigint;
BEGIN
    SELECT above.id INTO root FROM organizations_above(tenant, organization) above
    ORDER BY above.level DESC LIMIT 1;
    RETURN root;
END $$;

CREATE OR REPLACE FUNCTION organization_level(tenant bigint, organization bigint) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM refuse_other_tenant(tenant);
    RETURN (SELECT max(above.level) FROM organizations_above(tenant, organization) above);
END $$;

-- The application role alone may call these; PostgreSQL would let everybody.
REVOKE ALL ON FUNCTION
    hierarchy_key, lock_hierarchy, organization_subtree, organization_root, organization_level,
    organizations_above, organizations_below, keep_domains, keep_domains_together, clean_tags,
    keep_hierarchy
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    hierarchy_key, lock_hierarchy, organization_subtree, organization_level, organizations_below
TO retainer_app;
