"""Passwords of the cast, without the work of hashing them."""

from datetime import timedelta

from support.cast import Cast, Person


def with_password(cast: Cast, person: Person) -> str:
    """The person's username, their password being PASSWORD."""
    hash = cast.sql.value("SELECT password_hash FROM users WHERE username = 'root@example.com'")
    cast.sql.rows(
        """SELECT set_config('retainer.tenant', $1, false),
               acting_as(NULL, 'command', 'command', NULL, 'test')""",
        str(cast.tenant),
    )
    cast.sql.rows("UPDATE users SET password_hash = $1 WHERE id = $2", hash, person.id)
    return person.username


def given_ago(cast: Cast, person: Person, minutes: float) -> None:
    """Have the person's sessions begin, with their password, that long ago."""
    cast.sql.rows(
        "UPDATE sessions SET password_given_at = now() - $1::interval WHERE user_id = $2",
        timedelta(minutes=minutes),
        person.id,
    )
