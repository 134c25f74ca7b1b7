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


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, float_hook=Decimal)


def decode(text: bytes | str, kind: type[T]) -> T:
    """The JSON as a type. Raises what msgspec's decoder raises."""
    decoded: T = _decoder(cast("Hashable", kind)).decode(text)
    return decoded
