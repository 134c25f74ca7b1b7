"""The declaration of saved views."""

from retainer.lists.noun import Noun, Permits
from retainer.records.views import store
from retainer.records.views.model import View

VIEW = Noun(
    table="views",
    alias="v",
    singular="view",
    about="What people keep of the lists under a name: filters, sort and fields. "
    "Private, or shared.",
    title="name",
    record_type=View,
    list=store.LIST,
    get=store.get,
    create=store.CREATE,
    permissions=Permits(change="views.write", delete="views.write"),
    references={"owner_id": "users"},
    is_private=True,
    changeable=store.CHANGEABLE,
)
