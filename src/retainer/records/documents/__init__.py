"""Documents: files with all their versions, or links; of an organization, of projects, or of
neither.

A file's bytes are in the storage before its row is committed, so a row never lacks its bytes; what
an upload left behind when it was killed is known by its row in pending_uploads. Bytes are never
changed: another upload is another version. A document's projects are its organization's, where it
has one.
"""
