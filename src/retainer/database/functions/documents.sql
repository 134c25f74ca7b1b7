-- Documents: their formats, and the text of files for search.

-- The ids of a format's documents in the order of their names; null where there are more than
-- `most`. As the owner: row-level security keeps the index of a function from the application's
-- statements, which read these rows again, through the viewer.
CREATE OR REPLACE FUNCTION documents_few_of_format(tenant bigint, wanted text, most integer)
RETURNS bigint[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
BEGIN ATOMIC
    SELECT refuse_other_tenant(tenant);
    SELECT CASE WHEN count(*) <= most
        THEN coalesce(
            array_agg(candidates.id ORDER BY candidates.name_folded, candidates.id), '{}') END
    FROM (
        (SELECT d.id, d.name_folded
         FROM document_versions v
         JOIN documents d
             ON d.tenant_id = v.tenant_id AND d.id = v.document_id AND d.latest = v.number
         WHERE v.tenant_id = tenant AND document_format(v.media_type) = wanted
             AND d.deleted_by IS NULL
         LIMIT most + 1)
        UNION ALL
        (SELECT d.id, d.name_folded FROM documents d
         WHERE d.tenant_id = tenant AND d.link IS NOT NULL AND wanted = 'link'
             AND d.deleted_by IS NULL
         LIMIT most + 1)
    ) candidates;
END;

-- A new version of a file waits for its text to be extracted.
CREATE OR REPLACE FUNCTION await_text() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO pending_texts (tenant_id, document_id, number)
    VALUES (NEW.tenant_id, NEW.document_id, NEW.number);
    RETURN NULL;
END $$;

-- The text of a deleted file is dropped, so that it takes no place among the passages that a search
-- ranks. A restored file is read again.
CREATE OR REPLACE FUNCTION forget_text() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.deleted_by IS NULL THEN
        INSERT INTO pending_texts (tenant_id, document_id, number)
        VALUES (NEW.tenant_id, NEW.id, NEW.latest);
    ELSE
        DELETE FROM document_texts t WHERE t.tenant_id = NEW.tenant_id AND t.document_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;

-- The application role alone may call these; PostgreSQL would let everybody.
REVOKE ALL ON FUNCTION
    documents_few_of_format, await_text, forget_text
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    documents_few_of_format
TO retainer_app;
