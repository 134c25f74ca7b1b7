-- functions: texts.sql, sessions.sql
-- A consultancy's own settings can be changed: its name, its time zone, and its country, by which telephone numbers
-- without a country are dialled. Changes are journalled as those of records are.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- squawk-ignore-file adding-field-with-default, adding-not-nullable-field, constraint-missing-not-valid
-- (An installation has a few tenants: the table is written anew in no time.)

ALTER TABLE tenants
    ADD COLUMN country text
        CONSTRAINT tenants_country_format CHECK (country ~ '^[A-Z]{2}$'),
    ADD COLUMN version int NOT NULL DEFAULT 1,
    ADD COLUMN updated_at timestamptz(3) NOT NULL DEFAULT now(),
    -- The name that the journal has for it in every table.
    ADD COLUMN tenant_id bigint NOT NULL GENERATED ALWAYS AS (id) STORED,
    -- What an undo writes to any table; a tenant stays.
    ADD COLUMN deleted_by bigint CONSTRAINT tenants_deleted_by_nobody CHECK (deleted_by IS NULL);
ALTER TABLE tenants
    ADD CONSTRAINT tenants_time_zone_length CHECK (length(time_zone) BETWEEN 1 AND 64);
ALTER TABLE tenants ALTER COLUMN tenant_id SET (n_distinct = 2);
COMMENT ON CONSTRAINT tenants_name_length ON tenants IS 'name: must have 1 to 255 characters, not only spaces';
COMMENT ON CONSTRAINT tenants_time_zone_length ON tenants IS
    'timeZone: must be the name of a time zone such as Europe/Zurich';
COMMENT ON CONSTRAINT tenants_country_format ON tenants IS
    'country: must be the two capital letters of a country, such as CH';

-- A new tenant has no operation yet in which it could be written down.
CREATE TRIGGER count_version BEFORE UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION count_version('tenant_id');
CREATE TRIGGER journal AFTER UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION journal('tenant_id');

CREATE TRIGGER clean_texts BEFORE INSERT OR UPDATE OF name ON tenants
    FOR EACH ROW EXECUTE FUNCTION clean_texts_of_tenant();
CREATE TRIGGER notify_tenant_change AFTER UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION notify_tenant_change();

GRANT UPDATE ON tenants TO retainer_app;
