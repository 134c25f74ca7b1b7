-- The cast in one round trip instead of twenty, for it is made anew before almost every test. What the API does for
-- each record is done here in a transaction of its own, by the same actor, under the same name of the operation.

CREATE PROCEDURE pg_temp.add_user(
    tenant bigint, name text, role text, contact bigint, username text, token bytea, INOUT id bigint
)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('retainer.tenant', tenant::text, true),
        acting_as(NULL, 'command', 'command', NULL, 'test');
    INSERT INTO users (tenant_id, username, full_name, role, contact_id)
    VALUES (tenant, username, name, role, contact) RETURNING users.id INTO id;
    COMMIT;
    INSERT INTO sessions (tenant_id, user_id, token_hash, idle_expires_at, expires_at)
    VALUES (tenant, id, token, now() + interval '1 day', now() + interval '30 days');
    COMMIT;
END $$;

CREATE PROCEDURE pg_temp.add_organization(
    tenant bigint, actor bigint, name text, type text, INOUT id bigint
)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('retainer.tenant', tenant::text, true),
        acting_as(actor, 'user', 'api', 'cast', 'createOrganization');
    INSERT INTO organizations (tenant_id, name, type) VALUES (tenant, name, type)
    RETURNING organizations.id INTO id;
    COMMIT;
END $$;

CREATE PROCEDURE pg_temp.add_contact(
    tenant bigint, actor bigint, name text, type text, email text, INOUT id bigint
)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('retainer.tenant', tenant::text, true),
        acting_as(actor, 'user', 'api', 'cast', 'createContact');
    INSERT INTO contacts (tenant_id, full_name, email, type) VALUES (tenant, name, email, type)
    RETURNING contacts.id INTO id;
    COMMIT;
END $$;

CREATE PROCEDURE pg_temp.add_member(
    tenant bigint, actor bigint, organization bigint, contact bigint
)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('retainer.tenant', tenant::text, true),
        acting_as(actor, 'user', 'api', 'cast', 'addMember');
    INSERT INTO members (tenant_id, organization_id, contact_id, role)
    VALUES (tenant, organization, contact, 'member');
    COMMIT;
END $$;

-- Names are those of the users in their order, as are tokens.
CREATE PROCEDURE pg_temp.add_cast(emails text[], names text[], tokens bytea[], INOUT made bigint[])
LANGUAGE plpgsql AS $$
DECLARE
    tenant bigint; other bigint; acme bigint; globex bigint; stans bigint; gitas bigint;
    ada bigint; cora bigint; stan bigint; gita bigint; sam bigint; olga bigint;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', false);  -- no waiting for the disk
    INSERT INTO tenants (name) VALUES ('Consultancy') RETURNING id INTO tenant;
    INSERT INTO tenants (name) VALUES ('Another consultancy') RETURNING id INTO other;
    COMMIT;
    CALL pg_temp.add_user(tenant, 'Ada', 'admin', NULL, names[1], tokens[1], ada);
    CALL pg_temp.add_user(tenant, 'Cora', 'consultant', NULL, names[2], tokens[2], cora);
    CALL pg_temp.add_organization(tenant, ada, 'Acme Corporation', 'customer', acme);
    CALL pg_temp.add_organization(tenant, ada, 'Globex', 'prospect', globex);
    CALL pg_temp.add_contact(tenant, ada, 'Stan', 'internal', emails[1], stans);
    CALL pg_temp.add_contact(tenant, ada, 'Gita', 'client', emails[2], gitas);
    CALL pg_temp.add_member(tenant, ada, acme, stans);
    CALL pg_temp.add_member(tenant, ada, acme, gitas);
    CALL pg_temp.add_user(tenant, 'Stan', 'staff', stans, names[3], tokens[3], stan);
    CALL pg_temp.add_user(tenant, 'Gita', 'guest', gitas, names[4], tokens[4], gita);
    CALL pg_temp.add_user(tenant, 'Sam', 'staff', NULL, names[5], tokens[5], sam);
    CALL pg_temp.add_user(other, 'Olga', 'admin', NULL, names[6], tokens[6], olga);
    PERFORM set_config('synchronous_commit', 'on', false);
    made := ARRAY[tenant, other, acme, globex, stans, gitas, ada, cora, stan, gita, sam, olga];
END $$;
