-- A table can be journalled again, with other columns left out.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

CREATE OR REPLACE PROCEDURE journalled(target regclass, VARIADIC silent text[] DEFAULT ARRAY[]::text[])
LANGUAGE plpgsql AS $$
DECLARE
    arguments text := (SELECT coalesce(string_agg(quote_literal(c), ', '), '') FROM unnest(silent) c);
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER count_version BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION count_version(%s)',
                   target, arguments);
    EXECUTE format('CREATE OR REPLACE TRIGGER journal AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION journal(%s)',
                   target, arguments);
END $$;
