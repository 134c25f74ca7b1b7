"""The declaration of activities."""

from retainer.lists.noun import Link, Menu, New, Noun, Permits, Searched, Trashed
from retainer.records.activities import store
from retainer.records.activities.model import Activity

# The link outlives its contact: a deleted contact still took part in the activity.
_CONTACTS = Link(
    "activity_contacts",
    own_column="activity_id",
    other_column="contact_id",
    other_noun="contacts",
    plural="people of activities",
    verbs={
        "insert": ("added to an activity", "adding to an activity", "at"),
        "delete": ("took out of an activity", "taking out of an activity", "at"),
    },
    unlink_verb="took off",
    holds_other=False,
    refreshes_pages=False,
)

ACTIVITY = Noun(
    table="activities",
    alias="a",
    singular="activity",
    about="Calls, meetings, e-mails and notes of an organization.",
    title="title",
    record_type=Activity,
    list=store.LIST,
    get=store.get,
    create=store.CREATE_WITH_CONTACTS,
    # Undoing takes activities.write, so that an author who may not delete can undo their own entry.
    permissions=Permits(change="activities.write", delete="activities.write"),
    belongs_to="organizations",
    references={"organization_id": "organizations", "author_id": "users"},
    links=(_CONTACTS,),
    page="/organizations/{organizationId}/activities",
    has_history=True,
    has_views=True,
    verbs={"insert": ("logged", "logging", "at")},
    search=Searched(
        name="title_folded",
        place=5,
        icon="activity",
        organization="a.organization_id",
        texts={"text": "a.text"},
        words=("text",),
    ),
    trash=Trashed(),
    menu=Menu(icon="activity", short="Activities", keys="g a"),
    new=New(
        icon="message-square-plus",
        words="Call, meeting, e-mail or note",
        permission="activities.write",
    ),
)
