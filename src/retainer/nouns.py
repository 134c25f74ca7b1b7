"""Every noun by its table: the records, the views that people keep of them, the users, and the
tenant.

Journal, search and pages read it; `routes.py` hands `http` what it needs. Importing this module
fails for a noun that lacks a part (`check`).
"""

from retainer.identity.tenants.noun import TENANT
from retainer.identity.users.noun import USER
from retainer.lists.checks import check
from retainer.lists.noun import Noun
from retainer.records.nouns import RECORDS
from retainer.records.views.noun import VIEW

NOUNS: dict[str, Noun] = {noun.table: noun for noun in (*RECORDS, VIEW, USER, TENANT)}
check(NOUNS.values())
