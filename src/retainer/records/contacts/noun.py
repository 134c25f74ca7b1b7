"""The declaration of contacts."""

from retainer.lists.noun import Menu, New, Noun, Permits, Searched, Trashed
from retainer.records.contacts import store
from retainer.records.contacts.model import Contact

CONTACT = Noun(
    table="contacts",
    alias="c",
    singular="contact",
    about="People: at our clients, at vendors, and our own.",
    title="full_name",
    record_type=Contact,
    list=store.LIST,
    get=store.get,
    create=store.CREATE,
    permissions=Permits(change="contacts.write", delete="contacts.write"),
    page="/contacts/{id}",
    has_history=True,
    has_views=True,
    search=Searched(
        name="full_name_folded",
        place=1,
        prefix="contact",
        subtitle="coalesce(c.email, c.phone, c.company)",
        texts={
            "fullName": "c.full_name",
            "email": "c.email",
            "company": "c.company",
            "title": "c.title",
            "department": "c.department",
            "mentionName": "c.mention_name",
        },
        words=("full_name", "email", "company", "title", "department", "mention_name"),
    ),
    trash=Trashed(),
    menu=Menu(icon="users", short="Contacts", keys="g c", is_wide=False),
    new=New(icon="users", words="Contact", permission="contacts.write"),
)
