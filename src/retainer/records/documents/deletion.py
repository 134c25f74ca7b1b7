"""The documents that are deleted together with an organization or a project, and the conditions by
which the trash tells them from documents deleted by themselves.
"""

from retainer.lists.noun import Trashed

# A document without an organization was deleted together with the last of its projects.
TRASHED = Trashed(
    above="""(SELECT y.deleted_by FROM organizations y
                WHERE y.tenant_id = :tenant AND y.id = d.organization_id
            UNION ALL SELECT y.deleted_by
            FROM document_projects l
                JOIN projects y ON y.tenant_id = :tenant AND y.id = l.project_id
            WHERE l.tenant_id = :tenant AND l.document_id = d.id AND l.deleted_by = d.deleted_by
                AND d.organization_id IS NULL) y
            WHERE y.deleted_by = d.deleted_by""",
    below={
        "organizations": """(b.organization_id = x.id OR b.organization_id IS NULL AND EXISTS (
                SELECT FROM document_projects l
                    JOIN projects p ON p.tenant_id = :tenant AND p.id = l.project_id
                WHERE l.tenant_id = :tenant AND l.document_id = b.id
                    AND l.deleted_by = x.operation_id AND p.organization_id = x.id))""",
        "projects": """b.organization_id IS NULL AND EXISTS (SELECT FROM document_projects l
                WHERE l.tenant_id = :tenant AND l.document_id = b.id AND l.project_id = x.id
                    AND l.deleted_by = x.operation_id)""",
    },
)

# Deleting an organization deletes its documents, and those without an organization that are linked
# to none but its projects. Deleting a project deletes the documents without an organization that
# are linked to no other project. The links are deleted with either.
_PROJECTS = """projects p
        JOIN document_projects l ON l.tenant_id = p.tenant_id AND l.project_id = p.id
    WHERE p.tenant_id = :tenant AND p.organization_id = :id AND p.deleted_by IS NULL
        AND l.deleted_by IS NULL"""
CASCADE = {
    "organizations": {
        "documents": f"""SELECT d.id FROM documents d
            WHERE d.tenant_id = :tenant AND d.organization_id = :id AND d.deleted_by IS NULL
            UNION SELECT d.id FROM documents d
            WHERE d.tenant_id = :tenant AND d.organization_id IS NULL AND d.deleted_by IS NULL
                AND d.id = ANY(ARRAY(SELECT l.document_id FROM {_PROJECTS}))
                AND NOT EXISTS (SELECT FROM document_projects l
                    WHERE l.tenant_id = :tenant AND l.document_id = d.id AND l.deleted_by IS NULL
                        AND l.project_id NOT IN (SELECT p.id FROM projects p
                            WHERE p.tenant_id = :tenant AND p.organization_id = :id
                                AND p.deleted_by IS NULL))""",
        "document_projects": f"""SELECT l.id FROM {_PROJECTS}
            UNION SELECT l.id FROM documents d
                JOIN document_projects l ON l.tenant_id = d.tenant_id AND l.document_id = d.id
            WHERE d.tenant_id = :tenant AND d.organization_id = :id AND d.deleted_by IS NULL
                AND l.deleted_by IS NULL""",
    },
    "projects": {
        "documents": """SELECT d.id FROM documents d
            WHERE d.tenant_id = :tenant AND d.deleted_by IS NULL AND d.organization_id IS NULL
                AND d.id = ANY(ARRAY(SELECT l.document_id FROM document_projects l
                    WHERE l.tenant_id = :tenant AND l.project_id = :id AND l.deleted_by IS NULL))
                AND NOT EXISTS (SELECT FROM document_projects l
                    WHERE l.tenant_id = :tenant AND l.document_id = d.id
                        AND l.project_id <> :id AND l.deleted_by IS NULL)""",
        "document_projects": """SELECT l.id FROM document_projects l
            WHERE l.tenant_id = :tenant AND l.project_id = :id AND l.deleted_by IS NULL""",
    },
}
