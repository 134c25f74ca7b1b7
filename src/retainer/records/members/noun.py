"""The declaration of members."""

from retainer.lists.noun import Noun, Permits, Trashed
from retainer.records.members import store
from retainer.records.members.model import Member

MEMBER = Noun(
    table="members",
    alias="m",
    singular="member",
    plural="people",
    title="",  # histories and the trash name the contact
    answer=Member,
    list=store.LIST,
    permissions=Permits(change="members.write", delete="members.write"),
    belongs_to="organizations",
    seen_as="organizations",
    told_by="contact_id",
    references={"organization_id": "organizations", "contact_id": "contacts"},
    shows=("contact_id",),
    page="/organizations/{organizationId}/members",
    verbs={
        "insert": ("added", "adding", "to"),
        "delete": ("removed", "removing", "from"),
        "restore": ("added", "adding", "to"),
    },
    trash=Trashed(
        table="""members m JOIN organizations o ON o.tenant_id = m.tenant_id AND o.id = m.organization_id
            JOIN contacts c ON c.tenant_id = m.tenant_id AND c.id = m.contact_id""",
        title="c.full_name",
        above="(SELECT o.deleted_by UNION ALL SELECT c.deleted_by) y WHERE y.deleted_by = m.deleted_by",
    ),
)
