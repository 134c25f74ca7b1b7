-- functions: tables.sql
-- The words of a row are kept by a trigger, which folds its texts once; as two generated columns they were folded for
-- each, and their expressions parsed in every statement: a seventh of a create's time in PostgreSQL went into the
-- parsing alone. The values stay as they are, and no table is written anew.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- squawk-ignore-file adding-not-nullable-field
-- (searched_tables has a row for each searched table. That no row lacks its words takes one look at each.)

ALTER TABLE searched_tables ADD COLUMN named text, ADD COLUMN told text;
UPDATE searched_tables t SET named = s.named, told = s.told
FROM (VALUES
    ('organizations', 'NEW.name', 'NEW.industry, site(NEW.website), NEW.description, NEW.external_id,'
        ' spaced(NEW.domains), spaced(NEW.tags)'),
    ('contacts', 'NEW.full_name', 'NEW.email, NEW.mention_name, NEW.company, NEW.title, NEW.department,'
        ' phone_words(NEW.phone)'),
    ('projects', 'NEW.title', 'NEW.description'),
    ('tasks', 'NEW.title', 'NEW.description'),
    ('documents', 'NEW.name', 'NEW.description'),
    ('activities', 'first_words(NEW.text)', 'NEW.text')
) AS s (name, named, told)
WHERE t.name = s.name;
ALTER TABLE searched_tables ALTER COLUMN named SET NOT NULL, ALTER COLUMN told SET NOT NULL;

DO $$
DECLARE
    target text;
BEGIN
    FOR target IN SELECT name FROM searched_tables ORDER BY name LOOP
        EXECUTE format('ALTER TABLE %I
            ALTER COLUMN words DROP EXPRESSION, ALTER COLUMN words SET NOT NULL,
            ALTER COLUMN word_bits DROP EXPRESSION, ALTER COLUMN word_bits SET NOT NULL', target);
        CALL worded(target);
        CALL journalled(target::regclass);
    END LOOP;
END $$;
