-- functions: text.sql, words.sql, values.sql, tables.sql
-- Functions and procedures stand in database/functions/ from here on, each in one file that is the present
-- (docs/decisions/0020). What they do stays as it was. Migrations make tables.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- squawk-ignore-file ban-drop-function
-- (Servers of the two versions before this one call none of what is dropped.)

-- The text that was applied: another text under the same number is refused.
ALTER TABLE migrations ADD COLUMN digest bytea;
CREATE TABLE function_files (
    name text PRIMARY KEY,
    digest bytea NOT NULL
);

-- The tables that searchable() was called for: each has the functions of functions/search.sql, and those of
-- functions/lists.sql for which it has the index.
CREATE TABLE searched_tables (
    name text PRIMARY KEY,
    folded text NOT NULL,                           -- the column of its folded name
    usual text NOT NULL                             -- the column that its list goes by
);
INSERT INTO searched_tables (name, folded, usual) VALUES
    ('organizations', 'name_folded', 'name_folded'),
    ('contacts', 'full_name_folded', 'full_name_folded'),
    ('projects', 'title_folded', 'title_folded'),
    ('tasks', 'title_folded', 'order'),
    ('documents', 'name_folded', 'name_folded'),
    ('activities', 'title_folded', 'happened_at');

-- Templates in functions/lists.sql take their place.
DROP PROCEDURE found_by(text, regclass, text, text, text, text);
DROP PROCEDURE found_by_part(text, regclass, text, text);

-- Nothing calls these since 0016.
DROP FUNCTION may_have(text, text[]);
DROP FUNCTION organizations_matches(organizations, text[], tsquery);
DROP FUNCTION contacts_matches(contacts, text[], tsquery);
DROP FUNCTION projects_matches(projects, text[], tsquery);
DROP FUNCTION tasks_matches(tasks, text[], tsquery);
DROP FUNCTION documents_matches(documents, text[], tsquery);
DROP FUNCTION activities_matches(activities, text[], tsquery);
