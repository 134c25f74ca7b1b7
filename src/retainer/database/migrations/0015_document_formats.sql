-- Documents by what kind of thing they are.
-- squawk-ignore-file require-concurrent-index-creation
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60min';

-- What kind of thing a document is, to people, by its media type; a link has none.
CREATE FUNCTION document_format(media_type text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN media_type IS NULL THEN 'link'
    WHEN media_type = 'application/pdf' THEN 'pdf'
    WHEN media_type LIKE 'image/%' THEN 'image'
    WHEN media_type IN ('application/msword', 'application/rtf', 'application/vnd.oasis.opendocument.text',
        'application/vnd.openxmlformats-officedocument.wordprocessingml.document') THEN 'text_document'
    WHEN media_type IN ('application/vnd.ms-excel', 'application/vnd.oasis.opendocument.spreadsheet',
        'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet') THEN 'spreadsheet'
    WHEN media_type IN ('application/vnd.ms-powerpoint', 'application/vnd.oasis.opendocument.presentation',
        'application/vnd.openxmlformats-officedocument.presentationml.presentation') THEN 'presentation'
    WHEN media_type LIKE 'text/%' THEN 'text'
    ELSE 'other'
END;

CREATE INDEX document_versions_format
ON document_versions (tenant_id, document_format(media_type), document_id, number);
CREATE INDEX documents_links ON documents (tenant_id, id) WHERE link IS NOT NULL;

-- The documents of a format, or null where there are more than `most`. (Row-level security keeps the index of a
-- function from the application's own statements; they read these rows again, through the viewer.)
CREATE FUNCTION documents_few_of_format(tenant bigint, wanted text, most integer) RETURNS bigint []
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN count(*) <= most THEN coalesce(array_agg(few.id), '{}') END
    FROM (
        (SELECT d.id
         FROM document_versions v
         JOIN documents d ON d.tenant_id = v.tenant_id AND d.id = v.document_id AND d.latest = v.number
         WHERE v.tenant_id = tenant AND document_format(v.media_type) = wanted
         LIMIT most + 1)
        UNION ALL
        (SELECT d.id FROM documents d
         WHERE d.tenant_id = tenant AND d.link IS NOT NULL AND wanted = 'link'
         LIMIT most + 1)
    ) few;
END;
