"""Imports: a spreadsheet becomes records, by way of a plan that shows the outcome of each row.

Nothing is written before the run, which is one operation of the journal and is undone as one. The
plan tries each row as the run will do it, and rolls it back, so that the database has judged what
it shows. Plan and run are jobs (`job.py`); `web.py` only asks for them.
"""
