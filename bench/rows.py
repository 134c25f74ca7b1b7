"""The rows everyone answers from: the same for Retainer and its peers, and the same in every run."""

import json
import random
from collections.abc import Iterator
from typing import Any

LARGE = 10_000  # organizations of the first tenant
SMALL = 50  # organizations of the second tenant: "list of 50"

FIRST = (
    "Alder",
    "Birch",
    "Cedar",
    "Dover",
    "Ember",
    "Fjord",
    "Grove",
    "Harbor",
    "Iris",
    "Juniper",
    "Kestrel",
    "Lumen",
)
SECOND = (
    "Analytics",
    "Bakery",
    "Capital",
    "Dental",
    "Energy",
    "Foods",
    "Glass",
    "Health",
    "Insurance",
    "Logistics",
)
FORMS = ("GmbH", "Ltd", "Inc", "SARL", "Oy", "AB", "Group", "Partners")
TYPES = ("customer", "prospect", "partner", "vendor", "internal", "other")
STATUSES = ("active", "active", "active", "inactive", "archived")
INDUSTRIES = ("Technology", "Finance", "Retail", "Health", "Energy", "Transport")
WORDS = (
    "standing",
    "client",
    "with",
    "offices",
    "in",
    "several",
    "cities",
    "and",
    "a",
    "board",
    "that",
    "plans",
)


def organizations(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Bodies as the API takes them: varied names, a description near 80 characters, metadata of 3
    keys.
    """
    dice = random.Random(seed)
    for number in range(1, count + 1):
        name = f"{dice.choice(FIRST)} {dice.choice(SECOND)} {dice.choice(FORMS)} {number}"
        yield {
            "name": name,
            "type": dice.choice(TYPES),
            "status": dice.choice(STATUSES),
            "industry": dice.choice(INDUSTRIES),
            "website": f"https://www{number}.example.com",
            "description": " ".join(dice.choice(WORDS) for _ in range(15))[:80],
            "metadata": {
                "tier": dice.choice("ABC"),
                "seats": dice.randint(1, 500),
                "source": "bench",
            },
        }


def tenants() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The organizations of the first and of the second tenant."""
    return list(organizations(LARGE, seed=1)), list(organizations(SMALL, seed=2))


def new_organization_template() -> bytes:
    """The body of a create, with one `%010d` in its name so all differ and are equally long."""
    body = next(organizations(1, seed=3)) | {"name": "Bench NUMBER"}
    return (
        json.dumps(body, separators=(",", ":"))
        .encode()
        .replace(b"%", b"%%")
        .replace(b"NUMBER", b"%010d")
    )
