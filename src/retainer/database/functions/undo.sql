-- Undoing operations (docs/decisions/0012).

-- Marks the running operation as the one that undoes another, and returns its id. The application
-- role cannot write the journal itself.
CREATE OR REPLACE FUNCTION undoing(tenant bigint, undone bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    made bigint := operation();
BEGIN
    UPDATE operations o SET undoes = undone
    WHERE o.tenant_id = tenant AND o.tenant_id = current_tenant() AND o.id = made
        AND o.undoes IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'an operation of another tenant, or one that undoes something else';
    END IF;
    RETURN made;
END $$;

-- Whether an operation is undone as things stand: not when its undoing was undone in turn, and so
-- on.
CREATE OR REPLACE FUNCTION is_undone(tenant bigint, operation bigint) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        WITH RECURSIVE chain (id, length) AS (
            SELECT is_undone.operation, 0
            UNION ALL
            SELECT o.id, chain.length + 1 FROM chain
            JOIN operations o ON o.tenant_id = tenant AND o.undoes = chain.id
        )
        SELECT max(chain.length) % 2 = 1 FROM chain);
END $$;

-- The application role alone may call these; PostgreSQL would let everybody.
REVOKE ALL ON FUNCTION
    undoing, is_undone
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    undoing, is_undone
TO retainer_app;
