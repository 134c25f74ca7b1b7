"""Changes that are safe to send: made in a known state only (If-Match), made only once
(Idempotency-Key), or only tried (Prefer: dry-run).
"""
