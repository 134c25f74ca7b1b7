-- Signing in: the lookups that precede the tenant, and the rules of users.
--
-- Each lookup runs as the owner, because no tenant is set yet and digests of secrets are kept from
-- the application role. It reads one row by a unique key and answers only what its caller needs.

-- The live session of a cookie, and its user. It also records that the session was seen, at most
-- once a minute.
CREATE OR REPLACE FUNCTION session_of_token(hash bytea, idle interval)
RETURNS TABLE (
    session_id bigint, tenant_id bigint, user_id bigint, role text, contact_id bigint,
    username text, full_name text, time_zone text, country text, theme text, density text,
    shortcuts boolean, seconds_left double precision
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    -- A read must not wait for a standby because it is the first for a minute.
    PERFORM set_config('synchronous_commit', 'local', true);
    UPDATE sessions s SET last_seen_at = now(), idle_expires_at = now() + idle
    WHERE s.token_hash = hash AND s.expires_at > now() AND s.idle_expires_at > now()
        AND s.last_seen_at < now() - least(interval '1 minute', idle / 4);
    RETURN QUERY
        SELECT s.id, s.tenant_id, u.id, u.role, u.contact_id, u.username, u.full_name,
            coalesce(u.time_zone, t.time_zone), t.country, u.theme, u.density, u.shortcuts,
            extract(epoch FROM least(s.expires_at, s.idle_expires_at) - now())::double precision
        FROM sessions s
        JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
        JOIN tenants t ON t.id = s.tenant_id
        WHERE s.token_hash = hash AND s.expires_at > now() AND s.idle_expires_at > now()
            AND u.is_active;
END $$;

-- The name by which servers of the version before this one call it.
CREATE OR REPLACE FUNCTION session_by_token(hash bytea, idle interval)
RETURNS TABLE (
    session_id bigint, tenant_id bigint, user_id bigint, role text, contact_id bigint,
    username text, full_name text, time_zone text, theme text, density text, shortcuts boolean,
    seconds_left double precision
)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT s.session_id, s.tenant_id, s.user_id, s.role, s.contact_id, s.username, s.full_name,
        s.time_zone, s.theme, s.density, s.shortcuts, s.seconds_left
    FROM session_of_token(hash, idle) s
$$;

CREATE OR REPLACE FUNCTION user_by_username(name text)
RETURNS TABLE (
    tenant_id bigint, user_id bigint, password_hash text, is_active boolean,
    password_changed_at timestamptz
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT u.tenant_id, u.id, u.password_hash, u.is_active, u.password_changed_at
    FROM users u WHERE lowercase(u.username) = lowercase(name)
$$;

-- The unused link of a token, for a first or a forgotten password.
CREATE OR REPLACE FUNCTION link_by_token(hash bytea)
RETURNS TABLE (tenant_id bigint, link_id bigint, user_id bigint, username text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT l.tenant_id, l.id, u.id, u.username
    FROM links l JOIN users u ON u.tenant_id = l.tenant_id AND u.id = l.user_id
    WHERE l.token_hash = hash AND l.used_at IS NULL AND l.expires_at > now() AND u.is_active
$$;

-- Tells every process to forget a user whose session ends, or of whom anything changes that a
-- viewer carries.
CREATE OR REPLACE FUNCTION notify_session_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'sessions' THEN
        PERFORM pg_notify('retainer_sessions', OLD.user_id::text);
    ELSIF (OLD.role, OLD.is_active, OLD.full_name, OLD.username, OLD.theme, OLD.density,
            OLD.shortcuts)
        IS DISTINCT FROM (NEW.role, NEW.is_active, NEW.full_name, NEW.username, NEW.theme,
            NEW.density, NEW.shortcuts)
        OR OLD.contact_id IS DISTINCT FROM NEW.contact_id
        OR OLD.time_zone IS DISTINCT FROM NEW.time_zone THEN
        PERFORM pg_notify('retainer_sessions', NEW.id::text);
    END IF;
    RETURN NULL;
END $$;

-- The same of everybody whose tenant has another time zone or country than before.
CREATE OR REPLACE FUNCTION notify_tenant_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.time_zone, OLD.country) IS DISTINCT FROM (NEW.time_zone, NEW.country) THEN
        PERFORM pg_notify('retainer_sessions', s.user_id::text)
        FROM sessions s WHERE s.tenant_id = NEW.id GROUP BY s.user_id;
    END IF;
    RETURN NULL;
END $$;

-- The last active admin of a tenant stays. The lock orders two admins who demote each other at the
-- same moment.
CREATE OR REPLACE FUNCTION keep_an_admin() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.role = 'admin' AND NEW.is_active THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('keep_an_admin', NEW.tenant_id));
    IF NOT EXISTS (SELECT FROM users u
                   WHERE u.tenant_id = NEW.tenant_id AND u.role = 'admin' AND u.is_active) THEN
        RAISE EXCEPTION 'would leave nobody who can administer; make another user an admin first'
            USING ERRCODE = 'RT409',
                COLUMN = CASE WHEN NEW.is_active THEN 'role' ELSE 'isActive' END;
    END IF;
    RETURN NULL;
END $$;

-- The application role alone may call these; PostgreSQL would let everybody.
REVOKE ALL ON FUNCTION
    session_of_token, session_by_token, user_by_username, link_by_token, notify_session_change,
    notify_tenant_change, keep_an_admin
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    session_of_token, session_by_token, user_by_username, link_by_token
TO retainer_app;
