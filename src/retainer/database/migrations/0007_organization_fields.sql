-- What an organization is known by elsewhere, whose it is and where it stands: external id, domains, parent, owner, tags.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- The host of an http(s) address without "www."; null where there is none.
CREATE FUNCTION host(address text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN substring(lower(address COLLATE "C")
        FROM '^https?://(?:www\.)?((?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*)(?:[:/?#]|$)');
END $$;

-- squawk-ignore-file adding-foreign-key-constraint, constraint-missing-not-valid, adding-field-with-default
-- (The table is written anew, for the generated column; the constraints are checked in the same pass.)
ALTER TABLE organizations
    ADD COLUMN external_id text,
    ADD COLUMN domains text[] NOT NULL DEFAULT '{}',
    ADD COLUMN parent_id bigint,
    ADD COLUMN owner_id bigint,
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}',
    -- what is suggested as a domain: the host of the website, without "www."; kept, as matching takes 5 µs a row
    ADD COLUMN website_host text GENERATED ALWAYS AS (host(website)) STORED,
    ADD CONSTRAINT organizations_parent FOREIGN KEY (tenant_id, parent_id) REFERENCES organizations (tenant_id, id),
    ADD CONSTRAINT organizations_owner FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id),
    ADD CONSTRAINT organizations_external_id_length
        CHECK (length(external_id) BETWEEN 1 AND 255 AND external_id ~ '\S'),
    ADD CONSTRAINT organizations_domains_count
        CHECK (cardinality(domains) <= 50 AND array_position(domains, NULL) IS NULL),
    ADD CONSTRAINT organizations_parent_other CHECK (parent_id <> id),
    ADD CONSTRAINT organizations_tags_count CHECK (cardinality(tags) <= 50 AND array_position(tags, NULL) IS NULL);
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX organizations_external_id_taken ON organizations (tenant_id, external_id)
    WHERE deleted_by IS NULL AND external_id IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX organizations_by_parent ON organizations (tenant_id, parent_id, name_folded, id)
    WHERE deleted_by IS NULL AND parent_id IS NOT NULL;
COMMENT ON INDEX organizations_external_id_taken IS
    'externalId: is already the external id of another organization; change that one, or choose another id';
COMMENT ON CONSTRAINT organizations_external_id_length ON organizations IS
    'externalId: must have 1 to 255 characters, not only spaces';
COMMENT ON CONSTRAINT organizations_domains_count ON organizations IS 'domains: must be at most 50 host names';
COMMENT ON CONSTRAINT organizations_parent_other ON organizations IS
    'parentId: must be another organization, or null for none';
COMMENT ON CONSTRAINT organizations_tags_count ON organizations IS 'tags: must be at most 50 texts';

-- The domains of live organizations, one a row: an array alone cannot be unique. Written by the trigger below only,
-- also when an organization is deleted (its domains are free again) and restored (they may be taken by then).
CREATE TABLE organization_domains (
    tenant_id bigint NOT NULL,
    domain text NOT NULL,
    organization_id bigint NOT NULL,
    PRIMARY KEY (tenant_id, domain),
    CONSTRAINT organization_domains_organization
        FOREIGN KEY (tenant_id, organization_id) REFERENCES organizations (tenant_id, id),
    -- as DNS carries them: small letters, international names in their xn-- form
    CONSTRAINT organization_domains_domain_format CHECK (length(domain) <= 253
        AND domain ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')
);
CREATE INDEX organization_domains_by_organization ON organization_domains (tenant_id, organization_id);
COMMENT ON CONSTRAINT organization_domains_domain_format ON organization_domains IS
    'domains: must be host names in small letters such as acme.example.com';

CALL protect('organization_domains');
GRANT SELECT ON organization_domains TO retainer_app;

CREATE FUNCTION keep_domains() RETURNS trigger
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
    -- In one order, so that two who take several never wait for each other. Who meets another's here waits for them.
    INSERT INTO organization_domains (tenant_id, domain, organization_id)
    SELECT NEW.tenant_id, d, NEW.id FROM unnest(NEW.domains) d ORDER BY d
    ON CONFLICT DO NOTHING;
    SELECT d.domain, d.organization_id INTO taken FROM organization_domains d
    WHERE d.tenant_id = NEW.tenant_id AND d.domain = ANY (NEW.domains) AND d.organization_id <> NEW.id
    ORDER BY d.domain LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '"%" is already a domain of organization %; take it away there first', taken.domain,
            taken.organization_id USING ERRCODE = 'RT409', COLUMN = 'domains';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_domains AFTER INSERT ON organizations FOR EACH ROW
    WHEN (cardinality(NEW.domains) > 0) EXECUTE FUNCTION keep_domains();
CREATE TRIGGER keep_domains_changed AFTER UPDATE ON organizations FOR EACH ROW
    WHEN (NEW.domains <> OLD.domains
        OR (NEW.deleted_by IS DISTINCT FROM OLD.deleted_by AND cardinality(NEW.domains) > 0))
    EXECUTE FUNCTION keep_domains();

-- Tags: trimmed, each once whatever its case and accents, in the order given. Its name comes before count_version,
-- which must see the tags as they are kept.
CREATE FUNCTION clean_tags() RETURNS trigger
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
        RAISE EXCEPTION 'must have 1 to 50 characters each, not only spaces' USING ERRCODE = 'RT422', COLUMN = 'tags';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER clean_tags BEFORE INSERT OR UPDATE OF tags ON organizations FOR EACH ROW
    WHEN (cardinality(NEW.tags) > 0) EXECUTE FUNCTION clean_tags();

-- Whoever gives an organization that stands another parent holds this, before any row: two who make each other the
-- parent at the same moment would otherwise both find nothing wrong, or wait for each other's rows.
CREATE FUNCTION lock_hierarchy(tenant bigint) RETURNS void
LANGUAGE sql VOLATILE AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('organization_hierarchy', tenant))
$$;

-- The parent is there, held so that it cannot be deleted meanwhile, and nothing is above itself. A new organization
-- has nothing below it yet, so it needs no lock; the depth alone may be passed by those who race for it.
CREATE FUNCTION keep_hierarchy() RETURNS trigger
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
        RAISE EXCEPTION 'is no organization that is there' USING ERRCODE = 'RT422', COLUMN = 'parentId';
    END IF;
    WITH RECURSIVE up (id, parent_id, level) AS (
        SELECT o.id, o.parent_id, 1 FROM organizations o WHERE o.tenant_id = NEW.tenant_id AND o.id = NEW.parent_id
        UNION ALL
        SELECT o.id, o.parent_id, up.level + 1 FROM up JOIN organizations o ON o.tenant_id = NEW.tenant_id
            AND o.id = up.parent_id
        WHERE up.level < deepest AND up.id <> NEW.id
    )
    SELECT array_agg(up.id) INTO above FROM up;
    IF NEW.id = ANY (above) THEN
        RAISE EXCEPTION 'must not be below the organization itself' USING ERRCODE = 'RT422', COLUMN = 'parentId';
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
-- Deferrable: who puts back a whole tree at once may do so in any order.
CREATE CONSTRAINT TRIGGER keep_hierarchy AFTER INSERT ON organizations DEFERRABLE FOR EACH ROW
    WHEN (NEW.parent_id IS NOT NULL AND NEW.deleted_by IS NULL) EXECUTE FUNCTION keep_hierarchy();
CREATE CONSTRAINT TRIGGER keep_hierarchy_changed AFTER UPDATE ON organizations DEFERRABLE FOR EACH ROW
    WHEN (NEW.parent_id IS NOT NULL AND NEW.deleted_by IS NULL
        AND (NEW.parent_id IS DISTINCT FROM OLD.parent_id OR OLD.deleted_by IS NOT NULL))
    EXECUTE FUNCTION keep_hierarchy();

-- An organization and all below it, those that are not deleted. UNION and not UNION ALL: it ends whatever stands there.
CREATE FUNCTION organization_subtree(tenant bigint, root bigint) RETURNS SETOF bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH RECURSIVE tree (id) AS (
        SELECT o.id FROM organizations o WHERE o.tenant_id = tenant AND o.id = root AND o.deleted_by IS NULL
        UNION
        SELECT o.id FROM tree JOIN organizations o ON o.tenant_id = tenant AND o.parent_id = tree.id
            AND o.deleted_by IS NULL
    )
    SELECT tree.id FROM tree
$$;

-- An organization's history tells of its members too, those who left among them; a document's of its projects.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX changes_of_members ON changes (tenant_id, organization_after, operation_id) WHERE entity = 'members';
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX document_projects_by_document ON document_projects (tenant_id, document_id);
