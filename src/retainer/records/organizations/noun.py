"""The declaration of organizations."""

from retainer.lists.noun import Menu, New, Noun, Permits, Searched, Trashed
from retainer.records.organizations import store
from retainer.records.organizations.model import Organization

ORGANIZATION = Noun(
    table="organizations",
    alias="o",
    singular="organization",
    about="The clients, prospects, partners and vendors that everything else belongs to.",
    title="name",
    record_type=Organization,
    list=store.LIST,
    get=store.get,
    create=store.CREATE,
    permissions=Permits(change="organizations.update", delete="organizations.delete"),
    references={"parent_id": "organizations", "owner_id": "users"},
    page="/organizations/{id}",
    has_history=True,
    has_views=True,
    search=Searched(
        name="name_folded",
        place=0,
        prefix="org",
        subtitle="o.industry",
        organization="o.id",
        texts={
            "name": "o.name",
            "industry": "o.industry",
            "website": "o.website",
            "description": "o.description",
            "externalId": "o.external_id",
            "domains": "array_to_string(o.domains, ' ')",
            "tags": "array_to_string(o.tags, ' ')",
        },
        words=("name", "industry", "description", "external_id", "domains", "tags"),
        sites=("website",),
        heard=store.HEARD,
    ),
    trash=Trashed(organization="o.id"),
    menu=Menu(icon="building-2", short="Orgs", keys="g o", is_wide=False),
    new=New(icon="building-2", words="Organization", permission="organizations.create"),
)
