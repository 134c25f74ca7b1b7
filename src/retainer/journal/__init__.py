"""Journal: who changed what, when and through which channel, as the database's triggers record it
(functions/journal.sql).

Our own people read the history of each record that they see, in the API's words: its fields, never
the columns behind them. Nothing here writes to the journal: triggers do, in the transaction of each
change.
"""
