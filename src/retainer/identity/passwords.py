"""Passwords: hashed with argon2id by a few threads of their own, and what is too weak to be one."""

import asyncio
import base64
import secrets
import string
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from retainer.errors import Unavailable
from retainer.http.fields import LONGEST_PASSWORD, SHORTEST_PASSWORD

# More than the least that is advised (t=2, m=19 MiB, p=1), and about 50 ms of one core.
ROUNDS, MEMORY_KIB, LANES = 2, 32 * 1024, 1
THREADS = 2  # each takes MEMORY_KIB and a core while it runs
MOST_WAITING = 20

_hasher = PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=LANES)

T = TypeVar("T")


class Threads:
    """Runs what takes long beside the event loop: THREADS at a time, at most MOST_WAITING more in
    line.
    """

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self.present = 0

    async def run(self, work: Callable[[], T]) -> T:
        """The work's result. Raises Unavailable when the line is full: a flood of sign-ins must not
        stop the rest.
        """
        if self.present >= THREADS + MOST_WAITING:
            raise Unavailable("Too many people are signing in at this moment. Try again shortly.")
        self.present += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.pool, work)
        finally:
            self.present -= 1


_threads = Threads()


async def hashed(password: str) -> str:
    """What is stored of a password: its argon2id hash, with salt and parameters in it."""
    return await _threads.run(lambda: _hasher.hash(_bytes(password)))


async def matches(password_hash: str | None, password: str) -> bool:
    """Whether it is the password. Without a hash it is not, after the same work: time must not tell
    who has one.
    """
    right = await _threads.run(lambda: _verified(password_hash or _nobodys_hash(), password))
    return right and password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def _verified(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, _bytes(password))
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    """A hash with today's parameters that no password has."""
    salt, tag = (base64.b64encode(secrets.token_bytes(n)).decode().rstrip("=") for n in (16, 32))
    return f"$argon2id$v=19$m={MEMORY_KIB},t={ROUNDS},p={LANES}${salt}${tag}"


def _bytes(password: str) -> bytes:
    # One keyboard sends "é" as one character, another as two: the same password all the same.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def weakness(password: str, username: str) -> str | None:
    """What is wrong with it as a password of this user, as the end of a sentence; None when it will
    do.
    """
    if len(password) < SHORTEST_PASSWORD:
        return f"must have at least {SHORTEST_PASSWORD} characters; it has {len(password)}"
    if len(password) > LONGEST_PASSWORD:
        return f"must have at most {LONGEST_PASSWORD:,} characters; it has {len(password):,}"
    plain, name = password.casefold(), username.casefold()
    own = {name, name.partition("@")[0]}
    if plain in own or _core(plain) in {_core(word) for word in own} - {""}:
        return "must not be the username; choose something that others would not think of"
    if _core(plain) == "retainer":
        return "must not be this product's name; choose something that others would not think of"
    if plain in _common():
        return (
            "is one of the most common passwords; choose something that others would not think of"
        )
    return None


def _core(word: str) -> str:
    """Without the "2026!" that people put around a word."""
    return word.strip(string.digits + string.punctuation + string.whitespace)


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    # Imported when first needed: the list takes memory that a server where nobody changes a
    # password can save.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415

    return frozenset(
        word for word in FREQUENCY_LISTS["passwords"] if len(word) >= SHORTEST_PASSWORD
    )
