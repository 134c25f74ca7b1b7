-- Records as they were, from the journal: permissions.PAST judges by them who sees a past version
-- or change.

-- Columns of a record as they were after one of its versions: `present` has their values of now,
-- and of every later change the values before it.
CREATE OR REPLACE FUNCTION columns_then(
    tenant bigint, noun text, record bigint, after_version int, present jsonb
) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
    names CONSTANT text[] := ARRAY(SELECT jsonb_object_keys(present));
BEGIN
    PERFORM refuse_other_tenant(tenant);
    RETURN present || coalesce((
        SELECT jsonb_object_agg(was.key, was.value ORDER BY l.version DESC)
        FROM changes l CROSS JOIN LATERAL jsonb_each(l.before) was
        WHERE l.tenant_id = tenant AND l.entity = noun AND l.entity_id = record
            AND l.version > after_version AND l.action = 'update' AND l.before ?| names
            AND was.key = ANY (names)), '{}');
END $$;

-- The version that a record had at a moment: before the change `upto` of an operation.
CREATE OR REPLACE FUNCTION version_then(
    tenant bigint, noun text, record bigint, operation bigint, upto int
) RETURNS int
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM refuse_other_tenant(tenant);
    RETURN coalesce((
        SELECT max(l.version) FROM changes l
        WHERE l.tenant_id = tenant AND l.entity = noun AND l.entity_id = record
            AND (l.operation_id, l.sequence) < (operation, upto)), 0);
END $$;

-- The end of the moment after a change of a record or of a link of it: the record's next change in
-- the same operation, or else the operation's end.
CREATE OR REPLACE FUNCTION moment_end(
    tenant bigint, noun text, record bigint, operation bigint, since int
) RETURNS int
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM refuse_other_tenant(tenant);
    RETURN coalesce((
        SELECT min(l.sequence) FROM changes l
        WHERE l.tenant_id = tenant AND l.entity = noun AND l.entity_id = record
            AND l.operation_id = operation AND l.sequence > since), 2147483647);
END $$;

-- Whether a link was there at a moment: the last of its comings and goings before the change `upto`
-- of an operation was a coming.
CREATE OR REPLACE FUNCTION was_live(
    tenant bigint, links text, link bigint, operation bigint, upto int
) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM refuse_other_tenant(tenant);
    RETURN coalesce((
        SELECT l.action = 'insert' OR l.after -> 'deleted_by' = 'null' FROM changes l
        WHERE l.tenant_id = tenant AND l.entity = links AND l.entity_id = link
            AND (l.operation_id, l.sequence) < (operation, upto)
            AND (l.action <> 'update' OR l.after ? 'deleted_by')
        ORDER BY l.operation_id DESC, l.sequence DESC LIMIT 1), false);
END $$;

-- The application role alone may call these; PostgreSQL would let everybody.
REVOKE ALL ON FUNCTION
    columns_then, version_then, moment_end, was_live
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    columns_then, version_then, moment_end, was_live
TO retainer_app;
