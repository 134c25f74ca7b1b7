"""The declaration of users."""

from retainer.identity.users import store
from retainer.identity.users.model import UserDetails
from retainer.lists.noun import Noun

USER = Noun(
    table="users",
    alias="u",
    singular="user",
    about="Who may sign in, and with which role. For administrators.",
    title="full_name",
    record_type=UserDetails,
    list=store.LIST,
    get=store.get,
    create=store.CREATE,
    references={"contact_id": "contacts"},
    page="/users/{id}",
    has_history=True,
)
