-- Who does not see every record finds a telephone number in all of its forms, too (functions/search.sql). Nothing that is
-- stored changes.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';
