"""Those who hold places."""

from collections.abc import Hashable
from typing import NamedTuple, TypeVar

from retainer.permissions import Viewer


class Holder(NamedTuple):
    """Somebody who holds places: a user, and the tenant that they belong to."""

    group: Hashable
    member: Hashable


OPERATOR = Holder("", "operator")  # who starts a server, or gives a command


def holder_of(viewer: Viewer) -> Holder:
    """A viewer as a holder: all their sessions together."""
    return Holder(viewer.tenant, viewer.user)


class Holdings:
    """The number of places that each holder has."""

    def __init__(self) -> None:
        self.of_group: dict[Hashable, int] = {}
        self.of_holder: dict[Holder, int] = {}
        self.total = 0

    def add(self, holder: Holder, places: int = 1) -> None:
        """Count places for a holder, or fewer with a negative number."""
        self.total += places
        _add(self.of_group, holder.group, places)
        _add(self.of_holder, holder, places)

    def size(self, holder: Holder) -> tuple[int, int]:
        """The places of a holder as they are compared: those of their group, then their own."""
        return self.of_group.get(holder.group, 0), self.of_holder.get(holder, 0)

    def largest(self) -> Holder:
        """The member who has most in the group that has most. Some holder must have a place."""
        return max(self.of_holder, key=self.size)


K = TypeVar("K", bound=Hashable)


def _add(counts: dict[K, int], key: K, places: int) -> None:
    count = counts.get(key, 0) + places
    if count:
        counts[key] = count
    else:
        counts.pop(key, None)
