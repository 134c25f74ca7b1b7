"""The list of nouns, in the order in which their rows are locked: what is above before what is
below.
"""

from retainer.lists.noun import Noun
from retainer.records.activities.noun import ACTIVITY
from retainer.records.contacts.noun import CONTACT
from retainer.records.documents.noun import DOCUMENT
from retainer.records.members.noun import MEMBER
from retainer.records.organizations.noun import ORGANIZATION
from retainer.records.projects.noun import PROJECT
from retainer.records.tasks.noun import TASK

RECORDS: tuple[Noun, ...] = (
    ORGANIZATION,
    CONTACT,
    PROJECT,
    MEMBER,
    TASK,
    DOCUMENT,
    ACTIVITY,
)
