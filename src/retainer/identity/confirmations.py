"""The password again. Whoever finds an open browser is not its owner: what would give them the
account of an administrator, change it, or sign others out, takes the password, given lately in this
session.
"""

from datetime import timedelta

from retainer.database.database import Db
from retainer.database.statement import Statement
from retainer.errors import Forbidden

LASTS = timedelta(minutes=15)

GIVEN = Statement("""
    SELECT s.id FROM sessions s
    WHERE s.tenant_id = :tenant AND s.id = :session
        AND s.password_given_at > now() - :lasts::interval
""")


class PasswordNeeded(Forbidden):
    """The viewer may do this, once they have given their password again."""

    type = "/api/problems/password-needed"
    detail = (
        "Confirm your password first: you last entered it more than 15 minutes ago. "
        'POST /api/user/confirmations {"password": "…"}, then send this again.'
    )
    is_for_people = False  # pages ask for it

    def __init__(self) -> None:
        super().__init__(headers={"retainer-needs": "password"})  # by it our scripts know to ask


async def refuse_unconfirmed(db: Db) -> None:
    """Raise PasswordNeeded unless the viewer has given their password lately in this session."""
    if await db.row(GIVEN, lasts=LASTS) is None:
        raise PasswordNeeded
