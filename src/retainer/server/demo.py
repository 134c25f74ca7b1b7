"""Demo data: a plausible consultancy of some forty clients, the same at every start, in a data
folder of its own.
"""

import random
import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from retainer.config import Settings
from retainer.database.pool import Connection, connect
from retainer.identity import passwords
from retainer.identity.users import accounts
from retainer.identity.users.model import UserCreate
from retainer.permissions import Role

PASSWORD = "quiet-ledger-2026"  # noqa: S105 -- of every demo login; the data is for looking at
LOGINS = [
    ("ada@example.com", "Ada", "admin", "everything, and users and settings"),
    ("cora@example.com", "Cora", "consultant", "everything on clients and work"),
    ("stan@example.com", "Stan", "staff", "the organizations they belong to"),
    ("gita@example.com", "Gita", "guest", "their own organization, as a client sees it"),
]
LOGIN_LINES = (
    "Demo logins, password " + PASSWORD + ":\n"
    + "\n".join(f"  {email:<18} {role:<11} {words}" for email, _, role, words in LOGINS)
    + "\nThe API page: /api/docs"
)  # fmt: skip


def settings(given: Settings) -> Settings:
    """The settings of a demo: Ada as first admin, and never the operator's own database."""
    return msgspec.structs.replace(
        given, database_url="", admin_email=LOGINS[0][0], admin_password=PASSWORD, tenant="Northlight Consulting",
        time_zone="Europe/Zurich",
    )  # fmt: skip


async def seed(ready: Settings) -> None:
    """Fill the tenant unless it has organizations already."""
    connection = await connect(ready.database_url)
    try:
        async with connection.transaction():
            tenant = await connection.fetchval("SELECT min(id) FROM tenants")
            if await connection.fetchval("SELECT EXISTS (SELECT FROM organizations)"):
                return
            await _act(connection, tenant)
            await _fill(connection, tenant, random.Random(2026))  # noqa: S311 -- demo data, the same every time
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


async def _act(connection: Connection, tenant: int) -> None:
    await connection.execute("SELECT set_config('retainer.tenant', $1, true)", str(tenant))
    await connection.execute(
        "SELECT set_config('retainer.operation', '', true), acting_as(NULL, 'command', 'command', NULL, 'demo')"
    )


async def _fill(connection: Connection, tenant: int, chance: random.Random) -> None:
    ada = await connection.fetchval("SELECT min(id) FROM users WHERE tenant_id = $1", tenant)
    users = [ada, await _user(connection, tenant, 1, None)]
    ids: dict[str, int] = {}
    for place, (name, *row) in enumerate(ORGANIZATIONS):
        more = _fields(place, row[-1]) | {
            "owner_id": users[place % 2],
            "parent_id": ids.get(PARTS.get(name, "")),
        }
        ids[name] = await _organization(connection, tenant, (name, *row), more, chance)
    organizations = list(ids.values())
    contacts = [await _contact(connection, tenant, n, chance) for n in range(90)]
    users += [await _user(connection, tenant, 2 + n, contacts[n]) for n in (0, 1)]
    await _memberships(connection, tenant, organizations, contacts)
    for place, organization in enumerate(organizations):
        members = chance.sample(contacts[2:], chance.randint(1, 5))
        for contact, role in zip(
            members, ["primary_contact", *chance.sample(ROLES, 4)], strict=False
        ):
            await _insert(connection, "members", tenant_id=tenant, organization_id=organization, contact_id=contact,
                          role=role)  # fmt: skip
        if place % 4 != 3:
            for _ in range(chance.randint(1, 3)):
                await _project(connection, tenant, organization, users, chance)
        await _document(connection, tenant, organization, users[1], chance)
    await _show(connection, tenant, organizations[0])
    chance = random.Random(2027)  # noqa: S311 -- of its own, so that everything before stays as it was
    for place, organization in enumerate(organizations):
        for n in range(chance.randint(2, 5)):
            audience = "client" if place == 0 and n % 2 else "internal"
            await _activity(
                connection, tenant, organization, (chance.choice(users[:2]), audience), chance
            )


async def _organization(
    connection: Connection,
    tenant: int,
    row: tuple[str, ...],
    more: dict[str, Any],
    chance: random.Random,
) -> int:
    name, type, industry, host = row
    metadata = {
        "region": chance.choice(REGIONS),
        "employees": chance.choice([12, 40, 150, 600, 2400, 11000]),
    }
    return await _insert(
        connection, "organizations", tenant_id=tenant, name=name, type=type, industry=industry,
        status=chance.choices(["active", "inactive", "archived"], [8, 1, 1])[0],
        website=f"https://{host}.example.com", metadata=msgspec.json.encode(metadata).decode(),
        description=f"{industry} in {metadata['region']}. {chance.choice(DESCRIPTIONS)}", **more,
    )  # fmt: skip


def _fields(place: int, host: str) -> dict[str, Any]:
    """What the organization is known by; every fifth has its website's host as a suggestion only."""
    domains = [] if place % 5 == 4 else [f"{host}.example.com"]
    return {
        "external_id": f"NL-{1001 + place}",
        "domains": domains,
        "tags": TAGS[place % len(TAGS)],
    }


async def _contact(connection: Connection, tenant: int, number: int, chance: random.Random) -> int:
    first, last = FIRST[number % len(FIRST)], LAST[(number * 7) % len(LAST)]
    if number < 2:  # the people behind the logins Stan and Gita
        first, last = ("Stan", "Gita")[number], ""
    return await _insert(
        connection, "contacts", tenant_id=tenant, full_name=f"{first} {last}".strip(),
        email=f"{first}.{last or 'demo'}.{number}@example.com".lower().replace("ü", "ue").replace("ø", "o"),
        type=chance.choice(["client", "client", "external", "vendor"]) if number else "internal",
        title=chance.choice(TITLES), phone=f"+41 44 555 {chance.randint(10, 99)} {chance.randint(10, 99)}",
    )  # fmt: skip


async def _user(connection: Connection, tenant: int, place: int, contact: int | None) -> int:
    email, name, role, _ = LOGINS[place]
    hashed = await passwords.hashed(PASSWORD)
    made = await accounts.create_user(
        connection, tenant, UserCreate(email, name, Role(role), contact), hashed
    )
    await _act(connection, tenant)
    return made


async def _memberships(
    connection: Connection, tenant: int, organizations: list[int], contacts: list[int]
) -> None:
    """Stan and Gita see what their contacts belong to."""
    for organization in organizations[:6]:
        await _insert(connection, "members", tenant_id=tenant, organization_id=organization, contact_id=contacts[0],
                      role="project_manager")  # fmt: skip
    await _insert(connection, "members", tenant_id=tenant, organization_id=organizations[0], contact_id=contacts[1],
                  role="primary_contact")  # fmt: skip


async def _project(
    connection: Connection, tenant: int, organization: int, users: list[int], chance: random.Random
) -> None:
    start = date.today() - timedelta(days=chance.randint(0, 200))  # noqa: DTZ011 -- any zone's today will do
    audience = chance.choice(["internal", "client", "client"])
    project = await _insert(
        connection, "projects", tenant_id=tenant, organization_id=organization, title=chance.choice(PROJECTS),
        status=chance.choice(["planned", "active", "active", "on_hold", "completed"]), audience=audience,
        start_date=start, due_date=start + timedelta(days=chance.randint(30, 260)),
    )  # fmt: skip
    for order in range(chance.randint(2, 5)):
        await _insert(
            connection, "tasks", tenant_id=tenant, project_id=project, organization_id=organization,
            title=chance.choice(TASKS), assignee_id=chance.choice(users[:3]), audience=audience, order=order,
            status=chance.choice(["todo", "todo", "in_progress", "blocked", "review", "completed"]),
            priority=chance.choice(["low", "medium", "medium", "high"]),
            due_date=date.today() + timedelta(days=chance.randint(-20, 60)),  # noqa: DTZ011
        )  # fmt: skip


async def _document(
    connection: Connection, tenant: int, organization: int, uploader: int, chance: random.Random
) -> None:
    name = chance.choice(DOCUMENTS)
    await _insert(
        connection, "documents", tenant_id=tenant, organization_id=organization, uploader_id=uploader, name=name,
        link=f"https://files.example.com/{secrets.token_hex(4)}/{name.lower().replace(' ', '-')}",
        audience=chance.choice(["internal", "client"]),
    )  # fmt: skip


async def _activity(
    connection: Connection,
    tenant: int,
    organization: int,
    who: tuple[int, str],
    chance: random.Random,
) -> None:
    """What somebody logged of one of the organization's people, within working hours of the last
    half-year.
    """
    kind = chance.choice(list(ACTIVITIES))
    day = datetime.now(UTC).replace(hour=7, minute=0, second=0, microsecond=0) - timedelta(
        days=chance.randint(1, 180)
    )
    activity = await _insert(
        connection, "activities", tenant_id=tenant, organization_id=organization, kind=kind, author_id=who[0],
        text=chance.choice(ACTIVITIES[kind]), audience=who[1],
        happened_at=day + timedelta(minutes=15 * chance.randint(0, 40)),
    )  # fmt: skip
    contact = await connection.fetchval(
        """SELECT contact_id FROM members WHERE tenant_id = $1 AND organization_id = $2
           ORDER BY role <> 'primary_contact', id LIMIT 1""",
        tenant, organization,
    )  # fmt: skip
    if kind != "note":
        await _insert(
            connection,
            "activity_contacts",
            tenant_id=tenant,
            activity_id=activity,
            contact_id=contact,
        )


async def _show(connection: Connection, tenant: int, organization: int) -> None:
    """To its guest, or Gita would find nothing there."""
    for table in ("projects", "tasks", "documents"):
        await connection.execute(
            f"UPDATE {table} SET audience = 'client' WHERE tenant_id = $1 AND organization_id = $2",
            tenant, organization,
        )  # fmt: skip


async def _insert(connection: Connection, table: str, **values: Any) -> int:
    columns = ", ".join(f'"{name}"' for name in values)
    places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    text = f"INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING id"
    return int(await connection.fetchval(text, *values.values()))


ORGANIZATIONS = [
    ("Acme Corporation", "customer", "Technology", "acme"),
    ("Alpenblick Hotels", "customer", "Hospitality", "alpenblick"),
    ("Aurora Biotech", "customer", "Life sciences", "aurora"),
    ("Baltic Shipping", "customer", "Logistics", "baltic"),
    ("Bergmann & Söhne", "customer", "Manufacturing", "bergmann"),
    ("Blue Harbour Insurance", "customer", "Insurance", "blueharbour"),
    ("Borealis Energy", "customer", "Energy", "borealis"),
    ("Café Lumière", "prospect", "Hospitality", "lumiere"),
    ("Canton Water Works", "customer", "Public sector", "canton"),
    ("Cobalt Mining", "prospect", "Mining", "cobalt"),
    ("Delta Rail", "customer", "Transport", "deltarail"),
    ("Eiger Robotics", "customer", "Manufacturing", "eiger"),
    ("Fjord Fisheries", "prospect", "Food", "fjord"),
    ("Florin Private Bank", "customer", "Financial services", "florin"),
    ("Globex", "prospect", "Technology", "globex"),
    ("Granite Construction", "customer", "Construction", "granite"),
    ("Harbour Legal", "partner", "Legal", "harbourlegal"),
    ("Helvetia Textiles", "customer", "Textiles", "helvetia-textiles"),
    ("Initech", "vendor", "Technology", "initech"),
    ("Jura Watches", "customer", "Manufacturing", "jura"),
    ("Kestrel Airways", "prospect", "Transport", "kestrel"),
    ("Lakeside Clinic", "customer", "Health", "lakeside"),
    ("Lindqvist Paper", "customer", "Manufacturing", "lindqvist"),
    ("Meridian Foods", "customer", "Food", "meridian"),
    ("Nightingale Care", "prospect", "Health", "nightingale"),
    ("Northlight Consulting", "internal", "Consulting", "northlight"),
    ("Oak & Ember", "other", "Retail", "oakember"),
    ("Orchard Schools", "customer", "Education", "orchard"),
    ("Pinnacle Audit", "partner", "Financial services", "pinnacle"),
    ("Quarry Street Studio", "vendor", "Design", "quarry"),
    ("Rhine Chemicals", "customer", "Chemicals", "rhine"),
    ("Sable Cosmetics", "prospect", "Consumer goods", "sable"),
    ("Sørensen Design", "partner", "Design", "sorensen"),
    ("Tidewater Utilities", "customer", "Energy", "tidewater"),
    ("Umbrella Logistics", "customer", "Logistics", "umbrella"),
    ("Vega Telecom", "customer", "Telecommunications", "vega"),
    ("Wayland Press", "customer", "Media", "wayland"),
    ("Yonder Travel", "prospect", "Hospitality", "yonder"),
    ("Zephyr Wind", "customer", "Energy", "zephyr"),
    ("Zürich Garden Society", "other", "Non-profit", "garden"),
]
PARTS = {"Café Lumière": "Alpenblick Hotels", "Tidewater Utilities": "Borealis Energy",
         "Zephyr Wind": "Borealis Energy"}  # fmt: skip
TAGS = [
    ["Key account", "Framework agreement"],
    ["Newsletter"],
    ["Key account"],
    [],
    ["Reference", "Newsletter"],
    [],
]
REGIONS = ["Zurich", "Geneva", "Basel", "Bavaria", "Copenhagen", "Vienna", "Milan", "Lyon"]
DESCRIPTIONS = [
    "Came to us through a recommendation; prefers one contact for everything.",
    "Framework agreement, reviewed each spring.",
    "Sensitive to dates: the board meets in the first week of the quarter.",
    "Long-standing client; most work is renewed year by year.",
    "New management since last summer, and a new way of buying.",
]
FIRST = ["Anna", "Ben", "Clara", "David", "Elena", "Felix", "Grace", "Hugo", "Ines", "Jonas", "Karin", "Liam", "Mara",
         "Nils", "Olivia", "Paul", "Rosa", "Samuel", "Tessa", "Urs", "Vera", "Willem", "Yara", "Zoe"]  # fmt: skip
LAST = ["Ammann", "Berger", "Costa", "Dubois", "Eriksen", "Fischer", "Graf", "Huber", "Ivanov", "Jensen", "Keller",
        "Lindt", "Moser", "Novak", "Olsen", "Perret", "Quist", "Rossi", "Steiner", "Tanner", "Ulrich", "Vogt",
        "Weber", "Young", "Ziegler"]  # fmt: skip
TITLES = ["Managing director", "Head of finance", "Head of IT", "Project manager", "Procurement lead",
          "Operations manager", "Data protection officer", "Marketing lead"]  # fmt: skip
ROLES = ["executive_sponsor", "project_manager", "technical_lead", "subject_matter_expert", "billing_contact",
         "stakeholder", "member"]  # fmt: skip
PROJECTS = ["Data platform migration", "ERP selection", "Process review", "Annual audit preparation",
            "Customer portal", "Security assessment", "Supply chain study", "Cost programme", "Digital strategy",
            "Post-merger integration", "Pricing study", "Training for team leads"]  # fmt: skip
TASKS = ["Agree the scope", "Interview the stakeholders", "Draft the report", "Review with the client",
         "Prepare the workshop", "Send the offer", "Collect the figures", "Plan the next steps",
         "Check the contract", "Present to the board"]  # fmt: skip
DOCUMENTS = ["Framework agreement", "Statement of work", "Non-disclosure agreement", "Final report",
             "Kick-off slides", "Data protection agreement"]  # fmt: skip
ACTIVITIES = {
    "call": ["Called about the offer; wants a second option by Friday.", "Short call: the board has said yes.",
             "Asked how the handover went. Content, but misses a written summary.",
             "Could not reach anybody; try again after the holidays."],
    "meeting": ["Kick-off with both teams. Scope agreed, dates to follow.",
                "Quarterly review: two projects on track, one waits for figures.",
                "Lunch with the new management. They would like to see references."],
    "email": ["Sent the statement of work for signature.", "Sent the minutes and the open questions.",
              "Confirmed the dates of the workshop."],
    "note": ["Budget is fixed until the end of the year.", "Prefers calls in the morning.",
             "Compares us with two others; decides next month."],
}  # fmt: skip
