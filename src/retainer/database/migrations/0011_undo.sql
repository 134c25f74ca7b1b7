-- Undoing an operation, and what was deleted (docs/decisions/0012).

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60min';

-- An operation is undone once; who undoes that undoing has it again. Of two who undo it at the same moment the second
-- waits here for the first.
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX operations_undone ON operations (tenant_id, undoes) WHERE undoes IS NOT NULL;
COMMENT ON INDEX operations_undone IS
    'id: has been undone already; undo the operation that did so to have it again';

-- Says of the running operation what it undoes, and returns its id. The application role cannot write the journal.
CREATE FUNCTION undoing(tenant bigint, undone bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    made bigint := operation();
BEGIN
    UPDATE operations o SET undoes = undone
    WHERE o.tenant_id = tenant AND o.tenant_id = current_tenant() AND o.id = made AND o.undoes IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'an operation of another tenant, or one that undoes something else';
    END IF;
    RETURN made;
END $$;

-- Whether an operation is undone as things stand: undone, but not when that undoing was undone, and so on.
CREATE FUNCTION is_undone(tenant bigint, operation bigint) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        WITH RECURSIVE chain (id, length) AS (
            SELECT is_undone.operation, 0
            UNION ALL
            SELECT o.id, chain.length + 1 FROM chain JOIN operations o ON o.tenant_id = tenant AND o.undoes = chain.id
        )
        SELECT max(chain.length) % 2 = 1 FROM chain);
END $$;

-- What was deleted by which operation: the trash, and how much went with a record.
-- squawk-ignore-file require-concurrent-index-creation
CREATE INDEX organizations_deleted ON organizations (tenant_id, deleted_by, id) WHERE deleted_by IS NOT NULL;
CREATE INDEX contacts_deleted ON contacts (tenant_id, deleted_by, id) WHERE deleted_by IS NOT NULL;
CREATE INDEX projects_deleted ON projects (tenant_id, deleted_by, id) WHERE deleted_by IS NOT NULL;
CREATE INDEX tasks_deleted ON tasks (tenant_id, deleted_by, id) WHERE deleted_by IS NOT NULL;
CREATE INDEX documents_deleted ON documents (tenant_id, deleted_by, id) WHERE deleted_by IS NOT NULL;
CREATE INDEX members_deleted ON members (tenant_id, deleted_by, id) WHERE deleted_by IS NOT NULL;
