-- The journal: each request that changes something is one operation, and triggers write each row
-- that it touches. docs/decisions/0008 says why there are no foreign keys and locks.
--
-- Two settings of the transaction carry it: retainer.context, written by acting() and acting_as(),
-- is "tenant actor session kind via action request address", 0 where there is no actor or session;
-- retainer.operation is "id, last sequence, tenant". A third one, retainer.operations, has the ids of
-- the operations that the rows of acting_each() are to get.
-- Every write sets them several times, so they are set in assignments: PERFORM is a statement, which
-- PostgreSQL starts and ends each time.

-- `request` is the request's id and, after a space, the address that it came from.

-- The signed-in user who acts in this transaction. The session and the role are read anew, so that
-- a sign-out, a new role or a disabled account takes effect on the next write, whatever a process
-- remembers. An import acts for whoever asked for it, whose session may have ended meanwhile: its
-- `session` is the import's id.
CREATE OR REPLACE FUNCTION acting(
    session bigint, acting_role text, through text, request text, doing text
) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    tenant bigint := current_tenant();
    actor bigint;
    context text;
BEGIN
    IF through = 'import' THEN
        SELECT u.id INTO actor
        FROM imports i JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.user_id
        WHERE i.tenant_id = tenant AND i.id = session AND u.is_active AND u.role = acting_role;
    ELSE
        SELECT u.id INTO actor
        FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
        WHERE s.tenant_id = tenant AND s.id = session AND s.expires_at > now()
            AND s.idle_expires_at > now() AND u.is_active AND u.role = acting_role;
    END IF;
    IF actor IS NULL THEN
        RAISE EXCEPTION 'the session has ended or its user has changed' USING ERRCODE = 'RT401';
    END IF;
    context := set_config('retainer.context',
        concat_ws(' ', tenant, actor, session, 'user', through, doing, request), true);
    RETURN actor;
END $$;

-- The same for the rows of one INSERT, each of which is a request of its own and has an operation of
-- its own: the k-th session, role and so on are those of the k-th row (docs/decisions/0018). A row
-- that has to wait for a lock gives up soon, because the others wait with it.
CREATE OR REPLACE FUNCTION acting_each(
    sessions bigint[], acting_roles text[], throughs text[], requests text[], doings text[]
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    tenant bigint := current_tenant();
    made bigint[];
    waiting text;
    patience text;
BEGIN
    WITH noted AS (
        INSERT INTO operations
            (tenant_id, actor_id, session_id, actor_kind, via, action, request_id, address)
        SELECT tenant, u.id, s.id, 'user', r.through, r.doing, split_part(r.request, ' ', 1),
            nullif(split_part(r.request, ' ', 2), '')
        FROM unnest(sessions, acting_roles, throughs, requests, doings)
                WITH ORDINALITY r (session, role, through, request, doing, place)
            JOIN sessions s ON s.tenant_id = tenant AND s.id = r.session
            JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
        WHERE s.expires_at > now() AND s.idle_expires_at > now() AND u.is_active
            AND u.role = r.role
        ORDER BY r.place
        RETURNING id
    )
    SELECT array_agg(n.id ORDER BY n.id) INTO made FROM noted n;
    IF cardinality(made) IS DISTINCT FROM cardinality(sessions) THEN
        RAISE EXCEPTION 'the session of a request has ended or its user has changed'
            USING ERRCODE = 'RT401';
    END IF;
    waiting := set_config('retainer.operations', array_to_string(made, ' '), true);
    patience := set_config('lock_timeout', '50ms', true);
END $$;

-- Called by servers of the version before this one only, while they are replaced one by one: a
-- request of a group that had a statement of its own.
CREATE OR REPLACE FUNCTION acting_anew(
    session bigint, acting_role text, through text, request text, doing text
) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    running text;
    patience text;
BEGIN
    running := set_config('retainer.operation', '', true);
    patience := set_config('lock_timeout', '50ms', true);
    RETURN acting(session, acting_role, through, request, doing);
END $$;

-- An actor without a session: a person who signs in or sets a password (`actor` given), the command
-- line, or the system.
CREATE OR REPLACE FUNCTION acting_as(
    actor bigint, kind text, through text, request text, doing text
) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    tenant bigint := current_tenant();
BEGIN
    IF actor IS NULL THEN
        PERFORM FROM tenants t WHERE t.id = tenant;
    ELSE
        PERFORM FROM users u WHERE u.tenant_id = tenant AND u.id = actor;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'nobody who could act'
            USING HINT = 'Set retainer.tenant to a tenant, and name a user of it.';
    END IF;
    PERFORM set_config('retainer.context',
        concat_ws(' ', tenant, coalesce(actor, 0), 0, kind, through, doing, request), true);
    RETURN actor;
END $$;

-- The id of the running operation. Its row is made at the first change, so a request that changes
-- nothing leaves none.
CREATE OR REPLACE FUNCTION operation(result text DEFAULT 'done') RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    running text := current_setting('retainer.operation', true);
    who text[];
    made bigint;
BEGIN
    IF running <> '' THEN
        RETURN split_part(running, ' ', 1)::bigint;
    END IF;
    who := string_to_array(current_setting('retainer.context', true), ' ');
    IF who IS NULL OR cardinality(who) < 6 THEN
        RAISE EXCEPTION 'a change without an actor'
            USING HINT = 'Call acting() or acting_as() first.';
    END IF;
    INSERT INTO operations
        (tenant_id, actor_id, session_id, actor_kind, via, action, request_id, address, outcome)
    VALUES (who[1]::bigint, nullif(who[2], '0')::bigint, nullif(who[3], '0')::bigint, who[4],
            who[5], who[6], who[7], nullif(who[8], ''), result)
    RETURNING id INTO made;
    running := set_config('retainer.operation', made || ' 0 ' || who[1], true);
    RETURN made;
END $$;

-- Notes that the acting user may not do what they asked for. The first refusal of an action in a
-- minute is an operation at once; the others are counted, for close_refusals(). Whoever may do
-- nothing would otherwise fill the journal for ever.
CREATE OR REPLACE FUNCTION refusal() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    who text[] := string_to_array(current_setting('retainer.context', true), ' ');
    others int;
BEGIN
    INSERT INTO refusals AS r (tenant_id, user_id, action, minute, via, address)
    VALUES (who[1]::bigint, who[2]::bigint, who[6], date_trunc('minute', now()), who[5],
            nullif(who[8], ''))
    ON CONFLICT (tenant_id, user_id, action, minute) DO UPDATE
        SET count = r.count + 1, address = excluded.address
    RETURNING r.count INTO others;
    RETURN CASE WHEN others = 0 THEN operation('refused') END;
END $$;

-- Makes one operation of the refusals of each minute that is over.
CREATE OR REPLACE FUNCTION close_refusals() RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH ended AS (
        DELETE FROM refusals WHERE minute < date_trunc('minute', now()) RETURNING *
    ), made AS (
        INSERT INTO operations
            (tenant_id, actor_id, actor_kind, via, action, address, outcome, count)
        SELECT e.tenant_id, e.user_id, 'user', e.via, e.action, e.address, 'refused', e.count
        FROM ended e WHERE e.count > 0 ORDER BY e.tenant_id, e.minute
        RETURNING id
    )
    SELECT count(*) FROM made
$$;

-- Writes one changed row. Arguments: the columns that are never written down (generated columns,
-- secrets, bookkeeping).
CREATE OR REPLACE FUNCTION journal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    silent text[] := coalesce(TG_ARGV, ARRAY[]::text[]);  -- null where there are none
    old_row jsonb := to_jsonb(OLD) - silent;              -- null in an insert
    new_row jsonb := to_jsonb(NEW) - silent;              -- null in a delete
    touched record := coalesce(NEW, OLD);
    old_organization bigint;
    new_organization bigint;
    op bigint;
    waiting text := current_setting('retainer.operations', true);
    running text[];
    now_running text;
BEGIN
    IF old_row = new_row THEN
        RETURN NULL;
    END IF;
    IF TG_TABLE_NAME = 'organizations' THEN
        old_organization := OLD.id;
        new_organization := NEW.id;
    ELSE
        old_organization := organization_of(TG_TABLE_NAME, OLD.tenant_id, old_row);
        new_organization := organization_of(TG_TABLE_NAME, NEW.tenant_id, new_row);
    END IF;
    IF TG_OP = 'UPDATE' THEN
        SELECT jsonb_object_agg(n.key, old_row -> n.key), jsonb_object_agg(n.key, n.value)
        INTO old_row, new_row
        FROM jsonb_each(new_row) n
        WHERE n.value IS DISTINCT FROM old_row -> n.key AND n.key NOT IN ('version', 'updated_at');
    END IF;
    IF waiting <> '' THEN
        running := ARRAY[split_part(waiting, ' ', 1), '0', current_tenant()::text];
        now_running := set_config(
            'retainer.operations', substr(waiting, length(running[1]) + 2), true);
    ELSE
        running := string_to_array(current_setting('retainer.operation', true), ' ');
        IF cardinality(running) IS DISTINCT FROM 3 THEN
            op := operation();
            running := string_to_array(current_setting('retainer.operation'), ' ');
        END IF;
        now_running := set_config('retainer.operation',
            concat_ws(' ', running[1], running[2]::int + 1, running[3]), true);
    END IF;
    IF touched.tenant_id <> running[3]::bigint THEN
        RAISE EXCEPTION 'a change in another tenant than its operation'
            USING HINT = 'Begin an operation for each tenant.';
    END IF;
    INSERT INTO changes (tenant_id, operation_id, sequence, entity, entity_id, action, version,
                         organization_before, organization_after, before, after, digest)
    VALUES (touched.tenant_id, running[1]::bigint, running[2]::int + 1, TG_TABLE_NAME, touched.id, lower(TG_OP), touched.version,
            old_organization, new_organization, old_row, new_row,
            sha256(convert_to(concat_ws(E'\n', old_row::text, new_row::text), 'UTF8')));
    RETURN NULL;
END $$;

-- The organization that a row belongs to, by itself or through the row above it; null where there
-- is none.
CREATE OR REPLACE FUNCTION organization_of(entity text, tenant bigint, image jsonb) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    PERFORM refuse_other_tenant(tenant);
    IF entity = 'organizations' THEN
        RETURN (image ->> 'id')::bigint;
    ELSIF image ->> 'organization_id' IS NOT NULL THEN
        RETURN (image ->> 'organization_id')::bigint;
    ELSIF image ->> 'project_id' IS NOT NULL THEN
        RETURN (SELECT p.organization_id FROM projects p
                WHERE p.tenant_id = tenant AND p.id = (image ->> 'project_id')::bigint);
    ELSIF entity = 'document_versions' THEN
        RETURN (SELECT d.organization_id FROM documents d
                WHERE d.tenant_id = tenant AND d.id = (image ->> 'document_id')::bigint);
    ELSIF entity = 'activity_contacts' THEN
        RETURN (SELECT a.organization_id FROM activities a
                WHERE a.tenant_id = tenant AND a.id = (image ->> 'activity_id')::bigint);
    END IF;
    RETURN NULL;
END $$;

-- Counts the version, and sets the time, of a change that changes something. Arguments: as
-- journal().
CREATE OR REPLACE FUNCTION count_version() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    silent text[] := coalesce(TG_ARGV, ARRAY[]::text[]);
BEGIN
    IF to_jsonb(NEW) - silent <> to_jsonb(OLD) - silent THEN
        NEW.version := OLD.version + 1;
        NEW.updated_at := greatest(OLD.updated_at, date_trunc('milliseconds', clock_timestamp()));
    END IF;
    RETURN NEW;
END $$;

-- The journal names users, tenants and operations by id, without a foreign key: their rows stay.
CREATE OR REPLACE FUNCTION refuse_removal() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % stays, under its number: the journal names it', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

-- The application role alone may call these; PostgreSQL would let everybody.
REVOKE ALL ON FUNCTION
    acting, acting_each, acting_anew, acting_as, operation, refusal, close_refusals, organization_of, journal,
    count_version, refuse_removal
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    acting, acting_each, acting_anew, acting_as, operation, refusal, close_refusals, organization_of
TO retainer_app;
