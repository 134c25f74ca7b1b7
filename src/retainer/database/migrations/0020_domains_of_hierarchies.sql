-- functions: organizations.sql
-- A domain may belong to several organizations of one hierarchy, and is kept without "www.".

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- squawk-ignore-file constraint-missing-not-valid, adding-serial-primary-key-field, disallowed-unique-constraint
-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion, ban-drop-constraint

-- The domains that were ever given. Who gives one locks its row: two organizations of different hierarchies would else
-- both find it free.
CREATE TABLE known_domains (
    tenant_id bigint NOT NULL,
    domain text NOT NULL,
    CONSTRAINT known_domains_pkey PRIMARY KEY (tenant_id, domain)
);
ALTER TABLE known_domains ALTER COLUMN tenant_id SET (n_distinct = 2);
CALL protect('known_domains');
GRANT SELECT ON known_domains TO retainer_app;

ALTER TABLE organization_domains
    DROP CONSTRAINT organization_domains_pkey,
    ADD CONSTRAINT organization_domains_pkey PRIMARY KEY (tenant_id, domain, organization_id);
DROP INDEX organization_domains_by_organization;

-- "www.acme.example" and "acme.example" were two domains, and are one from here on. Neither versions nor the journal
-- change: nobody changed anything.
CREATE TEMPORARY TABLE shortened ON COMMIT DROP AS
    SELECT o.tenant_id, o.id, o.deleted_by, ARRAY(
        SELECT regexp_replace(d.domain, '^www\.(?=.*\.)', '')
        FROM unnest(o.domains) WITH ORDINALITY d (domain, place)
        GROUP BY regexp_replace(d.domain, '^www\.(?=.*\.)', '') ORDER BY min(d.place)) AS domains
    FROM organizations o
    WHERE EXISTS (SELECT FROM unnest(o.domains) d WHERE d ~ '^www\..*\.');

DO $$
DECLARE
    taken text;
BEGIN
    SELECT string_agg(format('organizations %s and %s of tenant %s: %s', s.id, o.id, s.tenant_id, d), '; ') INTO taken
    FROM shortened s, unnest(s.domains) d, organizations o
    WHERE o.tenant_id = s.tenant_id AND o.id <> s.id AND o.deleted_by IS NULL AND s.deleted_by IS NULL
        AND d = ANY (SELECT regexp_replace(other, '^www\.(?=.*\.)', '') FROM unnest(o.domains) other)
        AND organization_root(o.tenant_id, o.id) <> organization_root(s.tenant_id, s.id);
    IF taken IS NOT NULL THEN
        RAISE EXCEPTION 'Two organizations have the same domain, one with "www." and one without: %. Take it from one of'
            ' them with the release that you have, then upgrade again. Nothing was changed.', taken;
    END IF;
END $$;

ALTER TABLE organizations DISABLE TRIGGER USER;
UPDATE organizations o SET domains = s.domains FROM shortened s WHERE o.tenant_id = s.tenant_id AND o.id = s.id;
ALTER TABLE organizations ENABLE TRIGGER USER;

DELETE FROM organization_domains d USING shortened s
WHERE d.tenant_id = s.tenant_id AND d.organization_id = s.id;
INSERT INTO organization_domains (tenant_id, domain, organization_id)
SELECT s.tenant_id, d, s.id FROM shortened s, unnest(s.domains) d WHERE s.deleted_by IS NULL
ON CONFLICT DO NOTHING;
INSERT INTO known_domains (tenant_id, domain)
SELECT DISTINCT d.tenant_id, d.domain FROM organization_domains d;

CREATE CONSTRAINT TRIGGER keep_domains_together AFTER INSERT ON organizations
    DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW WHEN (cardinality(NEW.domains) > 0)
    EXECUTE FUNCTION keep_domains_together();
CREATE CONSTRAINT TRIGGER keep_domains_together_changed AFTER UPDATE ON organizations
    DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW
    WHEN (NEW.deleted_by IS NULL AND (NEW.domains <> OLD.domains OR NEW.parent_id IS DISTINCT FROM OLD.parent_id
        OR OLD.deleted_by IS NOT NULL))
    EXECUTE FUNCTION keep_domains_together();
