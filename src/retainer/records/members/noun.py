"""The declaration of members."""

from retainer.lists.noun import Noun, Permits
from retainer.records.members import store
from retainer.records.members.model import Member

MEMBER = Noun(
    table="members",
    alias="m",
    singular="member",
    about="Which contacts belong to an organization, and in which role.",
    plural="people",
    title="",  # histories and the trash name the contact
    record_type=Member,
    list=store.LIST,
    create=store.CREATE,
    permissions=Permits(change="members.write", delete="members.write"),
    belongs_to="organizations",
    visible_as="organizations",
    subject_column="contact_id",
    references={"organization_id": "organizations", "contact_id": "contacts"},
    shows=("contact_id",),
    page="/organizations/{organizationId}/members",
    verbs={
        "insert": ("added", "adding", "to"),
        "delete": ("removed", "removing", "from"),
        "restore": ("added", "adding", "to"),
    },
    trash=store.TRASHED,
)
