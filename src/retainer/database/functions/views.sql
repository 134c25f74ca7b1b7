-- Saved views.

-- A person keeps at most 200. Counted under their lock: of two requests that add the last one, one
-- succeeds.
CREATE OR REPLACE FUNCTION bound_views() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    most constant int := 200;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('views of ' || NEW.owner_id, NEW.tenant_id));
    IF (SELECT count(*) FROM views v
        WHERE v.tenant_id = NEW.tenant_id AND v.owner_id = NEW.owner_id
            AND v.deleted_by IS NULL) >= most THEN
        RAISE EXCEPTION 'would be one more than the % that one person can keep; delete another first',
            most USING ERRCODE = 'RT409', COLUMN = 'view';
    END IF;
    RETURN NEW;
END $$;

REVOKE ALL ON FUNCTION
    bound_views
FROM PUBLIC;
