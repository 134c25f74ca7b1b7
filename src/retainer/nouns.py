"""Every noun by its table: the records, the views that people keep of them, and the users.

Journal, search and pages read it. What lies below is handed what it has to know by the start
(server/app.py), which refuses a noun that lacks a part.
"""

from retainer.identity.users.noun import USER
from retainer.lists.checks import check
from retainer.lists.noun import Noun
from retainer.records.nouns import RECORDS
from retainer.records.views.noun import VIEW

NOUNS: dict[str, Noun] = {noun.table: noun for noun in (*RECORDS, VIEW, USER)}
check(NOUNS.values())
