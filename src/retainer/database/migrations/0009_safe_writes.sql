-- Keys of changes that are safe to repeat, each with the answer that was given.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

CREATE TABLE idempotency_keys (
    tenant_id bigint NOT NULL,
    user_id bigint NOT NULL,
    name bytea NOT NULL,                            -- digest of route, path and key
    fingerprint bytea NOT NULL,                     -- digest of all that was asked
    status int NOT NULL,
    headers text[] NOT NULL,                        -- names and values in turn
    body bytea NOT NULL,
    expires_at timestamptz(3) NOT NULL DEFAULT now() + interval '24 hours',
    PRIMARY KEY (tenant_id, user_id, name),
    CONSTRAINT idempotency_keys_user FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT idempotency_keys_name_length CHECK (length(name) = 32),
    CONSTRAINT idempotency_keys_fingerprint_length CHECK (length(fingerprint) = 32),
    CONSTRAINT idempotency_keys_status_known CHECK (status BETWEEN 200 AND 299)
);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (tenant_id, expires_at);

CALL protect('idempotency_keys');
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO retainer_app;

-- Holds a key until the transaction ends, if nobody else does, and then looks what is stored under it: in that order,
-- so that it sees what the one who held it before has committed (each statement of a volatile function looks anew).
CREATE FUNCTION take_idempotency_key(
    tenant bigint, holder bigint, taken bytea,
    OUT is_free boolean, OUT fingerprint bytea, OUT status int, OUT headers text[], OUT body bytea)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    is_free := pg_try_advisory_xact_lock(hashtextextended(tenant || ' ' || holder || ' ' || encode(taken, 'hex'), 0));
    IF is_free THEN
        SELECT k.fingerprint, k.status, k.headers, k.body
        INTO take_idempotency_key.fingerprint, take_idempotency_key.status, take_idempotency_key.headers,
            take_idempotency_key.body
        FROM idempotency_keys k
        WHERE k.tenant_id = tenant AND k.user_id = holder AND k.name = taken AND k.expires_at > now();
    END IF;
END $$;
