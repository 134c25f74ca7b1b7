-- Creates of several requests in one transaction, each an operation of its own (docs/decisions/0017).

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- Who acts, in a statement that is a request's only one: what ran before it in the transaction was another request's.
-- Whoever would have to wait for a lock gives up soon, as all the others would wait with it.
CREATE FUNCTION acting_anew(session bigint, acting_role text, through text, request text, doing text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM set_config('retainer.operation', '', true), set_config('lock_timeout', '50ms', true);
    RETURN acting(session, acting_role, through, request, doing);
END $$;
