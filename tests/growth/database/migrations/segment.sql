-- The segment of an organization.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

ALTER TABLE organizations
    ADD COLUMN segment text CONSTRAINT organizations_segment_length CHECK (length(segment) <= 255);
COMMENT ON CONSTRAINT organizations_segment_length ON organizations IS
    'segment: must have at most 255 characters';
CALL listed('organizations', 'name_folded', 'segment');
