-- functions: texts.sql
-- Texts are kept trimmed and without control characters, and an empty one is null. Rows that are there are brought into
-- this form. Neither their versions nor the journal change: nobody changed anything.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60min';

CREATE TEMPORARY TABLE texts (
    place int GENERATED ALWAYS AS IDENTITY, target text, name text, kept text, is_required boolean
) ON COMMIT DROP;
INSERT INTO texts (target, name, kept, is_required) VALUES
    ('organizations', 'name', 'one_line', true), ('organizations', 'industry', 'one_line', false),
    ('organizations', 'website', 'one_line', false), ('organizations', 'description', 'several_lines', false),
    ('organizations', 'external_id', 'one_line', false),
    ('contacts', 'full_name', 'one_line', true), ('contacts', 'mention_name', 'one_line', false),
    ('contacts', 'email', 'one_line', true), ('contacts', 'phone', 'one_line', false),
    ('contacts', 'company', 'one_line', false), ('contacts', 'title', 'one_line', false),
    ('contacts', 'department', 'one_line', false),
    ('projects', 'title', 'one_line', true), ('projects', 'description', 'several_lines', false),
    ('tasks', 'title', 'one_line', true), ('tasks', 'description', 'several_lines', false),
    ('documents', 'name', 'one_line', true), ('documents', 'description', 'several_lines', false),
    ('documents', 'link', 'one_line', false),
    ('activities', 'text', 'several_lines', true),
    ('views', 'name', 'one_line', true),
    ('users', 'full_name', 'one_line', true), ('users', 'username', 'one_line', true);

-- What would collide, or would be no address any more. Nothing has been changed when this stops.
DO $$
DECLARE
    problems text;
BEGIN
    SELECT string_agg(one.words, '; ' ORDER BY one.words) INTO problems FROM (
        SELECT format('organizations %s of tenant %s: external id "%s"', string_agg(id::text, ', ' ORDER BY id), tenant_id,
            one_line(external_id)) AS words
        FROM organizations WHERE deleted_by IS NULL AND external_id IS NOT NULL
        GROUP BY tenant_id, one_line(external_id) HAVING count(*) > 1
        UNION ALL
        SELECT format('contacts %s of tenant %s: e-mail "%s"', string_agg(id::text, ', ' ORDER BY id), tenant_id,
            min(one_line(email)))
        FROM contacts WHERE deleted_by IS NULL
        GROUP BY tenant_id, lowercase(one_line(email)) HAVING count(*) > 1
        UNION ALL
        SELECT format('users %s: username "%s"', string_agg(id::text, ', ' ORDER BY id), min(one_line(username)))
        FROM users GROUP BY lowercase(one_line(username)) HAVING count(*) > 1
        UNION ALL
        SELECT format('views %s of tenant %s: name "%s"', string_agg(id::text, ', ' ORDER BY id), tenant_id,
            min(one_line(name)))
        FROM views WHERE deleted_by IS NULL
        GROUP BY tenant_id, owner_id, noun, fold(one_line(name)) HAVING count(*) > 1
        UNION ALL
        SELECT format('contact %s of tenant %s: e-mail with a control character', id, tenant_id)
        FROM contacts WHERE one_line(email) ~ '\s'
        UNION ALL
        SELECT format('user %s: username with a control character', id) FROM users WHERE one_line(username) ~ '\s'
        UNION ALL
        SELECT format('document %s of tenant %s: address with a control character', id, tenant_id)
        FROM documents WHERE one_line(link) ~ '\s'
    ) one;
    IF problems IS NOT NULL THEN
        RAISE EXCEPTION 'Spaces around texts and control characters in them are taken off, and then these would be the'
            ' same or wrong: %. Change them with the release that you have, then upgrade again. Nothing was changed.',
            problems;
    END IF;
END $$;

-- Says how many values of which columns it changed. A name of which nothing can be seen becomes "(no name)".
DO $$
DECLARE
    each record;
    changed bigint;
    kept text;
BEGIN
    FOR each IN SELECT * FROM texts ORDER BY place LOOP
        EXECUTE format('ALTER TABLE %I DISABLE TRIGGER USER', each.target);
        kept := format('%s(%I)', each.kept, each.name);
        IF each.is_required THEN
            kept := format('CASE WHEN is_seen(%s) THEN %1$s ELSE ''(no name)'' END', kept);
        END IF;
        EXECUTE format('UPDATE %I SET %I = %s WHERE %2$I IS DISTINCT FROM %3$s', each.target, each.name, kept);
        GET DIAGNOSTICS changed = ROW_COUNT;
        EXECUTE format('ALTER TABLE %I ENABLE TRIGGER USER', each.target);
        IF changed > 0 THEN
            RAISE INFO '%.%: % changed, trimmed or without control characters', each.target, each.name, changed;
        END IF;
    END LOOP;
    ALTER TABLE organizations DISABLE TRIGGER USER;
    UPDATE organizations o SET tags = ARRAY(
        SELECT one_line(t.tag) FROM unnest(o.tags) WITH ORDINALITY t (tag, place)
        WHERE is_seen(one_line(t.tag)) ORDER BY t.place)
    WHERE EXISTS (SELECT FROM unnest(o.tags) tag WHERE is_seen(one_line(tag)) IS NOT TRUE OR one_line(tag) <> tag);
    GET DIAGNOSTICS changed = ROW_COUNT;
    ALTER TABLE organizations ENABLE TRIGGER USER;
    IF changed > 0 THEN
        RAISE INFO 'organizations.tags: % changed, trimmed or without control characters', changed;
    END IF;
END $$;

CREATE TRIGGER clean_texts BEFORE INSERT OR UPDATE OF name, industry, website, description, external_id
    ON organizations FOR EACH ROW EXECUTE FUNCTION clean_texts_of_organization();
CREATE TRIGGER clean_texts
    BEFORE INSERT OR UPDATE OF full_name, mention_name, email, phone, company, title, department
    ON contacts FOR EACH ROW EXECUTE FUNCTION clean_texts_of_contact();
CREATE TRIGGER clean_texts BEFORE INSERT OR UPDATE OF title, description
    ON projects FOR EACH ROW EXECUTE FUNCTION clean_texts_of_work();
CREATE TRIGGER clean_texts BEFORE INSERT OR UPDATE OF title, description
    ON tasks FOR EACH ROW EXECUTE FUNCTION clean_texts_of_work();
CREATE TRIGGER clean_texts BEFORE INSERT OR UPDATE OF name, description, link
    ON documents FOR EACH ROW EXECUTE FUNCTION clean_texts_of_document();
CREATE TRIGGER clean_texts BEFORE INSERT OR UPDATE OF text
    ON activities FOR EACH ROW EXECUTE FUNCTION clean_texts_of_activity();
CREATE TRIGGER clean_texts BEFORE INSERT OR UPDATE OF name
    ON views FOR EACH ROW EXECUTE FUNCTION clean_texts_of_view();
CREATE TRIGGER clean_texts BEFORE INSERT OR UPDATE OF full_name, username
    ON users FOR EACH ROW EXECUTE FUNCTION clean_texts_of_user();
