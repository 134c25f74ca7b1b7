"""Changes that are safe to send: only in a known state (If-Match), once (Idempotency-Key), or only
to try them (Prefer: dry-run).
"""
