-- functions: texts.sql
-- A contact need not have an e-mail address; contacts, projects, tasks and activities have an external id, as organizations
-- have. The key that contacts are sorted by is computed anew, because it may not be null: that writes contacts anew.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60min';

-- squawk-ignore-file adding-field-with-default, constraint-missing-not-valid, require-concurrent-index-creation
-- (The new columns are null in every row, so that the CHECKs have little to judge, and the indexes are empty.)
-- squawk-ignore-file ban-drop-not-null
-- (The version before this one answers a contact without an address as it does one with any.)

ALTER TABLE contacts
    ALTER COLUMN email DROP NOT NULL,
    ALTER COLUMN email_folded SET EXPRESSION AS (fold_key(email));

DO $$
DECLARE
    target text;
    singular text;
BEGIN
    FOR target, singular IN VALUES ('contacts', 'contact'), ('projects', 'project'), ('tasks', 'task'),
        ('activities', 'activity')
    LOOP
        EXECUTE format($made$
            ALTER TABLE %1$I ADD COLUMN external_id text CONSTRAINT %2$I
                CHECK (length(external_id) BETWEEN 1 AND 255 AND external_id ~ '\S');
            CREATE UNIQUE INDEX %3$I ON %1$I (tenant_id, external_id)
                WHERE deleted_by IS NULL AND external_id IS NOT NULL;
            COMMENT ON CONSTRAINT %2$I ON %1$I IS 'externalId: must have 1 to 255 characters, not only spaces';
            COMMENT ON INDEX %3$I IS
                'externalId: is already the external id of another %4$s; change that one, or choose another id'
            $made$, target, target || '_external_id_length', target || '_external_id_taken', singular);
    END LOOP;
END $$;

CREATE OR REPLACE TRIGGER clean_texts
    BEFORE INSERT OR UPDATE OF full_name, mention_name, email, phone, company, title, department, external_id
    ON contacts FOR EACH ROW EXECUTE FUNCTION clean_texts_of_contact();
CREATE OR REPLACE TRIGGER clean_texts BEFORE INSERT OR UPDATE OF title, description, external_id
    ON projects FOR EACH ROW EXECUTE FUNCTION clean_texts_of_work();
CREATE OR REPLACE TRIGGER clean_texts BEFORE INSERT OR UPDATE OF title, description, external_id
    ON tasks FOR EACH ROW EXECUTE FUNCTION clean_texts_of_work();
CREATE OR REPLACE TRIGGER clean_texts BEFORE INSERT OR UPDATE OF text, external_id
    ON activities FOR EACH ROW EXECUTE FUNCTION clean_texts_of_activity();
