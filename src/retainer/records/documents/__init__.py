"""Documents: files with all their versions, or links; of an organization, of projects, or of
neither.

A file's bytes are in the storage before its row is committed, so a row never lacks its bytes. An
upload that was killed leaves a row in pending_uploads, by which its bytes are found. Bytes never
change: another upload is another version. A document that has an organization is linked to projects
of that organization only.
"""
