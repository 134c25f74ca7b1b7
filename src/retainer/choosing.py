"""A record that a form names in words, where there are too many for a list: its name, or "name #12" where several share
it. Browsers propose names while one types; without scripts the answer to an unclear one offers what comes near.
"""

import re
from typing import Any

from retainer.errors import FieldError, Invalid
from retainer.lists.collection import Collection
from retainer.lists.shown import find
from retainer.request import Request

NEAR = 6  # records offered for a name that is none
_NUMBERED = re.compile(r"#(\d{1,15})$", re.ASCII)

Found = list[dict[str, Any]]


class Unclear(Invalid):
    """No single record has the name; `near` are those that come near."""

    def __init__(self, field: str, message: str, near: Found) -> None:
        super().__init__(FieldError(field, message))
        self.near = near


async def chosen(request: Request, collection: Collection, field: str, text: str) -> int:
    """The id of the record of that name. Raises Unclear."""
    if match := _NUMBERED.search(text.strip()):
        exact = await find(request, collection, id=match[1])
    else:
        exact = await find(request, collection, name=text.strip()[:255], limit=str(NEAR))
    if len(exact) == 1:
        return int(exact[0]["id"])
    near = exact or await near_to(request, collection, text)
    raise Unclear(field, _words(bool(exact), near), near)


async def near_to(request: Request, collection: Collection, text: str) -> Found:
    """What search finds for what was typed so far."""
    return await find(request, collection, q=text.strip()[:200], limit=str(NEAR)) if text.strip() else []


def _words(is_shared: bool, near: Found) -> str:
    if not near:
        return "is the name of nothing that you may see; type the beginning of one"
    names = ", ".join(f"{one['name']} #{one['id']}" for one in near)
    return f"is the name of {'several' if is_shared else 'none'}; choose one of {names}"


async def of_form(request: Request, collection: Collection, field: str) -> int:
    """The id of the record that a form names: the one that was picked, else the one of the name that was typed.
    Raises Invalid.
    """
    picked, typed = request.body.get(f"{field}Id", ""), request.body.get(field, "").strip()
    if re.fullmatch(r"\d{1,15}", picked, re.ASCII):
        return int(picked)
    if not typed:
        raise Invalid(FieldError(field, "is not named yet; type the beginning of its name"))
    return await chosen(request, collection, field, typed)
