"""The declaration of tenants."""

from retainer.identity.tenants import store
from retainer.identity.tenants.model import Tenant
from retainer.lists.noun import Noun, Permits

TENANT = Noun(
    table="tenants",
    alias="tn",
    singular="tenant",
    about="The consultancy itself: its name, its time zone and its country.",
    title="name",
    record_type=Tenant,
    list=store.LIST,
    get=store.get,
    permissions=Permits(change="settings.manage", delete="settings.manage"),
    page="/tenants/{id}",
    has_history=True,
    is_one=True,
)
