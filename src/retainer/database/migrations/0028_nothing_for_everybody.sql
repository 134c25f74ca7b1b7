-- PostgreSQL lets every role call a new function and look into the schema. Here the application role alone may, and
-- only what it is granted by name; what later migrations make is closed from the beginning. Functions that are there
-- are closed by their files, which from this migration on refuse another tenant than the connection's.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- For all schemas: a default of one schema can add to what everybody has, and cannot take from it.
ALTER DEFAULT PRIVILEGES REVOKE ALL ON ROUTINES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TYPES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SEQUENCES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO retainer_app;
