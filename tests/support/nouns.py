"""Names of the records, read off their declarations, so that tests cover a new noun by itself."""

from retainer.records.nouns import RECORDS

TABLES = [noun.table for noun in RECORDS]
WITH_HISTORY = [noun.table for noun in RECORDS if noun.has_history]
LINK_TABLES = [link.table for noun in RECORDS for link in noun.links]
