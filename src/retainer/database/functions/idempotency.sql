-- Idempotency keys (docs/decisions/0009).

-- Holds a key until the transaction ends, unless another request holds it, and then reads the
-- answer that is kept under it. In that order: each statement of a volatile function has a snapshot
-- of its own, so it sees what the request that held the key before has committed.
CREATE OR REPLACE FUNCTION take_idempotency_key(
    tenant bigint, holder bigint, taken bytea,
    OUT is_free boolean, OUT fingerprint bytea, OUT status int, OUT headers text[], OUT body bytea)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM refuse_other_tenant(tenant);
    is_free := pg_try_advisory_xact_lock(
        hashtextextended(tenant || ' ' || holder || ' ' || encode(taken, 'hex'), 0));
    IF is_free THEN
        SELECT k.fingerprint, k.status, k.headers, k.body
        INTO take_idempotency_key.fingerprint, take_idempotency_key.status,
            take_idempotency_key.headers, take_idempotency_key.body
        FROM idempotency_keys k
        WHERE k.tenant_id = tenant AND k.user_id = holder AND k.name = taken
            AND k.expires_at > now();
    END IF;
END $$;

-- The application role alone may call these; PostgreSQL would let everybody.
REVOKE ALL ON FUNCTION
    take_idempotency_key
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    take_idempotency_key
TO retainer_app;
