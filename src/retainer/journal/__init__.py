"""Journal: who changed what, when and through what, as the database's triggers wrote it down
(functions/journal.sql).

A record's history is read by whoever of our own people sees the record, in the API's words: its
fields, never the columns behind them. Nothing here writes: changes come to the journal with what
they change.
"""
