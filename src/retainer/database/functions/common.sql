-- The tenant of a connection, and timestamps as the API writes them.

-- Null while no tenant is set, so that row-level security shows no row at all.
CREATE OR REPLACE FUNCTION current_tenant() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('retainer.tenant', true), '')::bigint;

-- Functions that run as the owner see every tenant, and the others lock what is not theirs: each that
-- takes a tenant calls this first. The owner itself, who upgrades and runs commands, may leave the
-- setting out.
CREATE OR REPLACE FUNCTION refuse_other_tenant(tenant bigint) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF tenant <> current_tenant() OR current_tenant() IS NULL
            AND (current_setting('role') <> 'none' OR session_user <> current_user) THEN
        RAISE EXCEPTION 'tenant % is not the one of this connection', tenant
            USING ERRCODE = 'insufficient_privilege',
                HINT = 'Set retainer.tenant to the tenant that is asked for.';
    END IF;
END $$;

-- RFC 3339, UTC, exactly milliseconds.
CREATE OR REPLACE FUNCTION iso(value timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN to_char(value AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- The application role alone may call these; PostgreSQL would let everybody.
REVOKE ALL ON FUNCTION
    current_tenant, refuse_other_tenant, iso
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    current_tenant, refuse_other_tenant, iso
TO retainer_app;
