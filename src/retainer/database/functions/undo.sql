-- Undoing operations (docs/decisions/0012).

-- Marks the running operation as the one that undoes another, and returns its id. The application
-- role cannot write the journal itself.
CREATE OR REPLACE FUNCTION undoing(tenant bigint, undone bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM refuse_other_tenant(tenant);
    made := operation();
    UPDATE operations o SET undoes = undone
    WHERE o.tenant_id = tenant AND o.tenant_id = current_tenant() AND o.id = made
        AND o.undoes IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'an operation of another tenant, or one that undoes something else';
    END IF;
    RETURN made;
END $$;

-- The same where it takes back some of the other's changes.
CREATE OR REPLACE FUNCTION undoing_changes(tenant bigint, undone bigint, sequences int[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM refuse_other_tenant(tenant);
    made := undoing(tenant, undone);
    UPDATE operations o SET undoes_changes = sequences
    WHERE o.tenant_id = tenant AND o.tenant_id = current_tenant() AND o.id = made;
    RETURN made;
END $$;

-- Whether an operation is undone as things stand: not when its undoing was undone in turn, and so
-- on.
CREATE OR REPLACE FUNCTION is_undone(tenant bigint, operation bigint) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM refuse_other_tenant(tenant);
    RETURN (
        WITH RECURSIVE chain (id, length) AS (
            SELECT is_undone.operation, 0
            UNION ALL
            SELECT o.id, chain.length + 1 FROM chain
            JOIN operations o ON o.tenant_id = tenant AND o.undoes = chain.id
                AND o.undoes_changes IS NULL
        )
        SELECT max(chain.length) % 2 = 1 FROM chain);
END $$;

-- The changes of an operation that were taken back singly, as things stand, by their sequence: not
-- those that came again, by the undoing of all that took them back or of the record's part in it.
CREATE OR REPLACE FUNCTION taken_back(tenant bigint, operation bigint) RETURNS int[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM refuse_other_tenant(tenant);
    RETURN ARRAY(
        SELECT DISTINCT c.sequence
        FROM operations u JOIN changes c ON c.tenant_id = tenant AND c.operation_id = operation
            AND c.sequence = ANY (u.undoes_changes)
        WHERE u.tenant_id = tenant AND u.undoes = operation AND u.undoes_changes IS NOT NULL
            AND NOT is_undone(tenant, u.id)
            AND NOT EXISTS (SELECT FROM changes again
                WHERE again.tenant_id = tenant AND again.operation_id = u.id
                    AND again.entity = c.entity AND again.entity_id = c.entity_id
                    AND again.sequence = ANY (taken_back(tenant, u.id))));
END $$;

-- The last of the operations that undid this one, or that undid that undoing, and so on; itself if
-- there is none. Undoing it turns the state over.
CREATE OR REPLACE FUNCTION last_undoing(tenant bigint, operation bigint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM refuse_other_tenant(tenant);
    RETURN (
        WITH RECURSIVE chain (id) AS (
            SELECT operation
            UNION ALL
            SELECT o.id FROM chain
            JOIN operations o ON o.tenant_id = tenant AND o.undoes = chain.id
                AND o.undoes_changes IS NULL
        )
        SELECT max(chain.id) FROM chain);
END $$;

-- The application role alone may call these; PostgreSQL would let everybody.
REVOKE ALL ON FUNCTION
    undoing, undoing_changes, is_undone, taken_back, last_undoing
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    undoing, undoing_changes, is_undone, taken_back, last_undoing
TO retainer_app;
