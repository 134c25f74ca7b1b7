"""A record as the stores hand it on."""

from typing import NamedTuple, TypeVar

import msgspec

T = TypeVar("T")


class Stored(NamedTuple):
    """A record as its statement answers it: id, version, and the API's finished JSON (empty where a
    change answers none).
    """

    id: int
    version: int
    json: bytes = b""

    @property
    def etag(self) -> str:
        """The ETag of this state, without its quotes."""
        return f"{self.id}-{self.version}"

    def decode(self, kind: type[T]) -> T:
        """The JSON as one of the models' types."""
        return msgspec.json.decode(self.json, type=kind)
