-- The journal knows from which address something was done, and counts refusals instead of writing
-- down each. The installation's secret signs what browsers keep for it.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

ALTER TABLE operations
    ADD COLUMN address text CONSTRAINT operations_address_length CHECK (length(address) <= 64),
    ADD COLUMN count int NOT NULL DEFAULT 1 CONSTRAINT operations_count_positive CHECK (count > 0);

-- Refusals of a user's action in a minute, but for the first, which is an operation already. When
-- the minute is over they become one operation with their count.
CREATE TABLE refusals (
    tenant_id bigint NOT NULL REFERENCES tenants (id),
    user_id bigint NOT NULL,
    action text NOT NULL,
    minute timestamptz NOT NULL,
    via text NOT NULL,
    address text,
    count int NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, user_id, action, minute)
);
ALTER TABLE refusals ALTER COLUMN tenant_id SET (n_distinct = 2);
CALL protect('refusals');
GRANT SELECT ON refusals TO retainer_app;

CREATE TABLE secrets (
    name text PRIMARY KEY,
    value bytea NOT NULL CONSTRAINT secrets_value_length CHECK (length(value) >= 32)
);
-- gen_random_uuid() draws on the system's source of random bytes, 122 bits a time.
INSERT INTO secrets (name, value)
SELECT 'signatures', sha256(convert_to(string_agg(gen_random_uuid()::text, ''), 'UTF8'))
FROM generate_series(1, 4);
GRANT SELECT ON secrets TO retainer_app;
