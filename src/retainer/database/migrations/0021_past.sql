-- Records as they were: functions/past.sql is new, and permissions.PAST asks it.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';
