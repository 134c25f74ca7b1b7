-- The tenant of a connection, and timestamps as the API writes them.

-- Null while no tenant is set, so that row-level security shows no row at all.
CREATE OR REPLACE FUNCTION current_tenant() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('retainer.tenant', true), '')::bigint;

-- RFC 3339, UTC, exactly milliseconds.
CREATE OR REPLACE FUNCTION iso(value timestamptz) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE
RETURN to_char(value AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- The application role alone may call these; PostgreSQL would let everybody.
REVOKE ALL ON FUNCTION
    current_tenant, iso
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    current_tenant, iso
TO retainer_app;
