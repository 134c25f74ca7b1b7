-- When the password of a session's user was given last in that session: some things ask for it again.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

ALTER TABLE sessions ADD COLUMN password_given_at timestamptz(3) NOT NULL DEFAULT now();
UPDATE sessions SET password_given_at = created_at;
GRANT SELECT (password_given_at), UPDATE (password_given_at) ON sessions TO retainer_app;
