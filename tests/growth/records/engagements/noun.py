"""The declaration of engagements."""

from retainer.lists.noun import Menu, New, Noun, Permits, Searched, Trashed
from retainer.records.engagements import store
from retainer.records.engagements.model import Engagement

ENGAGEMENT = Noun(
    table="engagements",
    alias="e",
    singular="engagement",
    about="What organizations have agreed with us, for which fee and until when.",
    title="title",
    record_type=Engagement,
    list=store.LIST,
    get=store.get,
    create=store.CREATE,
    permissions=Permits(change="engagements.write", delete="engagements.write"),
    belongs_to="organizations",
    references={"organization_id": "organizations"},
    page="/engagements/{id}",
    has_history=True,
    has_views=True,
    verbs={"insert": ("agreed", "agreeing", "with")},
    search=Searched(
        name="title_folded",
        place=6,
        prefix="engagement",
        icon="handshake",
        organization="e.organization_id",
        texts={"title": "e.title"},
        words=("title",),
    ),
    trash=Trashed(),
    menu=Menu(icon="handshake", short="Engagements", keys="g e"),
    new=New(icon="handshake", words="Engagement", permission="engagements.write"),
)
