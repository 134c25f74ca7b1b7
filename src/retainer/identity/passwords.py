"""Passwords: argon2id hashes, computed in threads of their own, and the check for weak ones."""

import asyncio
import base64
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from retainer.errors import Unavailable
from retainer.http.fields import LONGEST_PASSWORD, SHORTEST_PASSWORD
from retainer.http.shares.holder import Holder
from retainer.http.shares.places import Shares

# Above the least that OWASP advises (t=2, m=19 MiB, p=1); about 50 ms of one core.
ROUNDS, MEMORY_KIB, LANES = 2, 32 * 1024, 1
THREADS = 2  # each takes MEMORY_KIB and a core while it runs
MOST_WAITING = 100
WAIT_SECONDS = 7.0

_hasher = PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=LANES)

T = TypeVar("T")


class HashingThreads:
    """Threads beside the event loop: THREADS jobs run at a time. The others wait, in the order of
    how many their network and their name have, so that a flood does not keep everybody out.
    """

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self.shares = Shares(
            THREADS,
            partial(
                Unavailable, "Too many people are signing in at this moment. Try again shortly."
            ),
            most_waiting=MOST_WAITING,
        )

    async def run(self, job: Callable[[], T], holder: Holder, *, is_first: bool = False) -> T:
        """Result of the job. Raises Unavailable when too many wait, or after WAIT_SECONDS."""
        async with self.shares.place(holder, WAIT_SECONDS, is_first=is_first):
            return await asyncio.get_running_loop().run_in_executor(self.pool, job)


threads = HashingThreads()


async def hashed(password: str, holder: Holder) -> str:
    """The argon2id hash to store, with its salt and parameters. Who asks for it has proven who they
    are, and so goes first.
    """
    return await threads.run(lambda: _hasher.hash(_bytes(password)), holder, is_first=True)


async def matches(
    password_hash: str | None, password: str, holder: Holder, *, is_first: bool = False
) -> bool:
    """True when the hash is of this password. Without a hash the same work is done for nothing, so
    that the time taken does not tell whether an account exists.
    """
    compared = password_hash or _dummy_hash()
    matched = await threads.run(lambda: _verify(compared, password), holder, is_first=is_first)
    return matched and password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """True for a hash that was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _dummy_hash() -> str:
    """A hash with today's parameters that no known password has."""
    salt = base64.b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    tag = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return f"$argon2id$v=19$m={MEMORY_KIB},t={ROUNDS},p={LANES}${salt}${tag}"


def _bytes(password: str) -> bytes:
    # Some keyboards send "é" as one character and others as two; both must match.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def weakness(password: str, *names: str) -> str | None:
    """The reason to refuse this password, as the end of a sentence; None when it is accepted.
    `names` are those of its user (username, full name) and of their tenant.
    """
    if len(password) < SHORTEST_PASSWORD:
        return f"must have at least {SHORTEST_PASSWORD} characters; it has {len(password)}"
    if len(password) > LONGEST_PASSWORD:
        return f"must have at most {LONGEST_PASSWORD:,} characters; it has {len(password):,}"
    plain = unicodedata.normalize("NFKC", password).casefold()
    if _REPEATED.fullmatch("".join(plain.split())):
        return "must not repeat one short piece; choose something that others would not think of"
    if _is_made_of(plain, names):
        return (
            "must not be made of the names of the user, consultancy or product; choose something"
            " unexpected"
        )
    if plain in _common():
        return (
            "is one of the most common passwords; choose something that others would not think of"
        )
    return None


# One piece of at most four characters, over and over; blanks alone are the empty text.
_REPEATED = re.compile(r"(.{1,4})\1+|", re.DOTALL)
_PRODUCT = "retainer"


def _is_made_of(plain: str, names: Iterable[str]) -> bool:
    """True when nothing but decoration, such as "2026!", is left beside the names' words."""
    words = {_PRODUCT}
    for name in names:
        folded = name.casefold()
        words |= {folded, folded.partition("@")[0], *re.split(r"[\W\d_]+", folded)}
    left = plain
    for word in sorted(words - {""}, key=len, reverse=True):
        left = left.replace(word, " ")
    return left != plain and not re.search(r"[^\W\d_]", left)


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    # Imported when first needed, to save the memory in processes where nobody sets a password.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415

    return frozenset(
        word for word in FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST_PASSWORD
    )
