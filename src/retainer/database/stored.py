"""A record as the stores return it."""

from typing import NamedTuple, TypeVar

from retainer.database import exact_json

T = TypeVar("T")


class Stored(NamedTuple):
    """A record as its statement returns it: id, version, and the API's finished JSON (empty where a
    change returns none).
    """

    id: int
    version: int
    json: bytes = b""

    @property
    def etag(self) -> str:
        """The ETag of this version, without its quotes."""
        return f"{self.id}-{self.version}"

    def decode(self, model: type[T]) -> T:
        """The JSON decoded into one of the models."""
        return exact_json.decode(self.json, model)
