"""A tenant's settings, and the body that changes them."""

from functools import lru_cache
from importlib.resources import files
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from retainer.errors import invalid
from retainer.http.fields import Name, RecordId, update_of


class Tenant(Struct, rename="camel"):
    """The settings of a consultancy as the API answers them."""

    id: RecordId
    name: Annotated[
        Name, Meta(description="Name of the consultancy", examples=["North & Partners"])
    ]
    time_zone: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=64,
            description="Name of the time zone (IANA) of all who have chosen no other",
            examples=["Europe/Zurich"],
        ),
    ]
    country: Annotated[
        Annotated[str, Meta(max_length=2)] | None,
        Meta(
            description="Its two letters (ISO 3166); telephone numbers without a country are "
            "dialled as in this one",
            examples=["CH"],
        ),
    ]


@update_of(Tenant)
class TenantUpdate(Struct):
    """The body of PUT /tenant: what is absent stays as it is."""

    EXAMPLE: ClassVar = {"timeZone": "Europe/Zurich", "country": "CH"}


def refuse_unknown_country(code: str | None, field: str = "country") -> None:
    """Raise Invalid on the field unless the code is one of ISO 3166; null is fine."""
    if code is not None and code not in countries():
        raise invalid(
            field,
            f'must be the two capital letters of a country (ISO 3166) such as CH, not "{code}"',
        )


@lru_cache(maxsize=1)
def countries() -> dict[str, str]:
    """The English names of all countries by their two letters, as the time zone database has
    them.
    """
    table = files("tzdata").joinpath("zoneinfo/iso3166.tab").read_text(encoding="utf-8")
    lines = (line.split("\t") for line in table.splitlines() if line and line[0] != "#")
    return dict(sorted(((code, name) for code, name in lines), key=lambda pair: pair[1]))
