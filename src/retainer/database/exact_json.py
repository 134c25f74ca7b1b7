"""JSON whose numbers keep all their digits: a decimal is read as a Decimal, and written as it was.
As a double, 0.12345678901234567890 would come back as 0.12345678901234568.
"""

from collections.abc import Hashable
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

T = TypeVar("T")

encode = msgspec.json.Encoder(decimal_format="number").encode


class Json(str):
    """JSON text, as asyncpg takes it for a jsonb column."""

    __slots__ = ()


def rows_as_json(rows: list[dict[str, Any]]) -> bytes:
    """Rows by column names as one JSON array, for a Create's `bulk` and `grouped`."""
    return encode(
        [
            {
                name: msgspec.Raw(value.encode()) if type(value) is Json else value
                for name, value in row.items()
            }
            for row in rows
        ]
    )


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, float_hook=Decimal)


def decode(text: bytes | str, kind: type[T]) -> T:
    """The JSON as a type. Raises what msgspec's decoder raises."""
    decoded: T = _decoder(cast("Hashable", kind)).decode(text)
    return decoded
