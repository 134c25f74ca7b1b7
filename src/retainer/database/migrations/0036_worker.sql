-- The worker's loops follow positions: each notes how far it is with a tenant. The words that were counted by numbers of
-- operations are those of the first positions: operations that are there get them in the order of their numbers.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '10min';

-- squawk-ignore-file ban-drop-table, require-concurrent-index-deletion
-- (search_progress had one row, which `loops` repeats for each tenant; an index is
-- dropped in a moment.)

CREATE TABLE loops (
    tenant_id bigint NOT NULL CONSTRAINT loops_tenant REFERENCES tenants (id),
    name text NOT NULL,
    position bigint NOT NULL DEFAULT 0,             -- of the last operation that it has seen
    CONSTRAINT loops_pkey PRIMARY KEY (tenant_id, name)
);
ALTER TABLE loops ALTER COLUMN tenant_id SET (n_distinct = 2);
CALL protect('loops');
GRANT SELECT ON loops TO retainer_app;

INSERT INTO loops (tenant_id, name, position)
SELECT o.tenant_id, 'words', count(*) FROM operations o, search_progress p WHERE o.id <= p.operation_id
GROUP BY o.tenant_id;

DROP TABLE search_progress;
DROP INDEX operations_in_order;
