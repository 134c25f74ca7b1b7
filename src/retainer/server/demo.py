"""Demo data: a plausible consultancy of forty clients, the same at every first start, in a data
folder of its own.
"""

import random
import secrets
from datetime import UTC, date, datetime, timedelta

import msgspec

from retainer.config import Settings
from retainer.database.pool import Connection, connect
from retainer.http.shares.holder import OPERATOR
from retainer.identity import passwords
from retainer.identity.users import accounts
from retainer.identity.users.model import UserCreate
from retainer.permissions import Role
from retainer.server import demo_data as data

PASSWORD = "quiet-ledger-2026"  # noqa: S105 -- of every demo login; the data is for looking at
LOGINS = [
    ("ada@example.com", "Ada", "admin", "everything, and users and settings"),
    ("cora@example.com", "Cora", "consultant", "everything on clients and work"),
    ("stan@example.com", "Stan", "staff", "the organizations they belong to"),
    ("gita@example.com", "Gita", "guest", "their own organization, as a client sees it"),
]
LOGIN_LINES = "\n".join(
    [
        f"Demo logins, password {PASSWORD}:",
        *(f"  {email:<18} {role:<11} {sees}" for email, _, role, sees in LOGINS),
        "The API page: /api/docs",
    ]
)

PUBLISHED_WARNING = (
    f"Warning: the password of {', '.join(email for email, *_ in LOGINS)} is published, and"
    " other machines can reach {host}, port {port}. Leave out --host unless everybody there may"
    " sign in.\n"
)


def settings(given: Settings) -> Settings:
    """Settings of a demo: Ada as first admin, and never the operator's own database."""
    return msgspec.structs.replace(
        given,
        database_url="",
        admin_email=LOGINS[0][0],
        admin_password=PASSWORD,
        tenant="Northlight Consulting",
        country="CH",
        time_zone="Europe/Zurich",
    )


async def seed(ready: Settings) -> None:
    """Fill the tenant unless it has organizations already."""
    connection = await connect(ready.database_url)
    try:
        async with connection.transaction():
            tenant = await connection.fetchval("SELECT min(id) FROM tenants")
            if await connection.fetchval("SELECT EXISTS (SELECT FROM organizations)"):
                return
            await Demo(connection, tenant).fill()
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


class Demo:
    """Inserts of one tenant's demo data, drawn by a random generator with a fixed seed. What is
    plausible of a noun is written for it here: no declaration could say it.
    """

    def __init__(self, connection: Connection, tenant: int) -> None:
        self.connection = connection
        self.tenant = tenant
        self.random = random.Random(2026)  # noqa: S311 -- no secret: the same every time
        self.users: list[int] = []
        self.contacts: list[int] = []

    async def fill(self) -> None:
        await self.begin_operation()
        ada = await self.connection.fetchval(
            "SELECT min(id) FROM users WHERE tenant_id = $1", self.tenant
        )
        self.users = [ada, await self.add_user(1, None)]
        organizations = await self.add_organizations()
        self.contacts = [await self.add_contact(number) for number in range(90)]
        for login, contact in ((2, self.contacts[0]), (3, self.contacts[1])):
            self.users.append(await self.add_user(login, contact))
        await self.add_memberships(organizations)
        for place, organization in enumerate(organizations):
            await self.add_work(place, organization)
        await self.show_to_guest(organizations[0])
        self.random = random.Random(2027)  # noqa: S311 -- so that activities change nothing above
        for place, organization in enumerate(organizations):
            for number in range(self.random.randint(2, 5)):
                audience = "internal"
                if place == 0 and number % 2:
                    audience = "client"
                await self.add_activity(organization, audience)

    async def begin_operation(self) -> None:
        await self.connection.execute(
            "SELECT set_config('retainer.tenant', $1, true)", str(self.tenant)
        )
        await self.connection.execute("""
            SELECT set_config('retainer.operation', '', true),
                acting_as(NULL, 'command', 'command', NULL, 'demo')
        """)

    async def add_organizations(self) -> list[int]:
        ids: dict[str, int] = {}
        for place, (name, type, industry, host) in enumerate(data.ORGANIZATIONS):
            region = self.random.choice(data.REGIONS)
            employees = self.random.choice([12, 40, 150, 600, 2400, 11000])
            status = self.random.choices(["active", "inactive", "archived"], [8, 1, 1])[0]
            ids[name] = await self.insert(
                "organizations",
                name=name,
                type=type,
                industry=industry,
                status=status,
                website=f"https://{host}.example.com",
                metadata=msgspec.json.encode({"region": region, "employees": employees}).decode(),
                description=f"{industry} in {region}. {self.random.choice(data.DESCRIPTIONS)}",
                external_id=f"NL-{1001 + place}",
                domains=self.domains(place, host),
                tags=data.TAGS[place % len(data.TAGS)],
                owner_id=self.users[place % 2],
                parent_id=ids.get(data.PARENTS.get(name, "")),
            )
        return list(ids.values())

    def domains(self, place: int, host: str) -> list[str]:
        """The website's host; none for every fifth, where pages suggest it."""
        if place % 5 == 4:
            return []
        return [f"{host}.example.com"]

    async def add_contact(self, number: int) -> int:
        first = data.FIRST_NAMES[number % len(data.FIRST_NAMES)]
        last = data.LAST_NAMES[(number * 7) % len(data.LAST_NAMES)]
        if number < 2:  # the people behind the logins Stan and Gita
            first, last = ("Stan", "Gita")[number], ""
        email = f"{first}.{last or 'demo'}.{number}@example.com".lower()
        type = "internal"
        if number:
            type = self.random.choice(["client", "client", "external", "vendor"])
        title = self.random.choice(data.TITLES)
        phone = f"+41 44 555 {self.random.randint(10, 99)} {self.random.randint(10, 99)}"
        return await self.insert(
            "contacts",
            full_name=f"{first} {last}".strip(),
            email=email.replace("ü", "ue").replace("ø", "o"),
            type=type,
            title=title,
            phone=phone,
        )

    async def add_user(self, login: int, contact: int | None) -> int:
        email, name, role, _ = LOGINS[login]
        user = UserCreate(email, name, Role(role), contact)
        password_hash = await passwords.hashed(PASSWORD, OPERATOR)
        id = await accounts.create_user(self.connection, self.tenant, user, password_hash)
        await self.begin_operation()  # create_user began one of its own
        return id

    async def add_memberships(self, organizations: list[int]) -> None:
        """Make the contacts of Stan and Gita members, because they see what these belong to."""
        stan, gita = self.contacts[:2]
        for organization in organizations[:6]:
            await self.add_member(organization, stan, "project_manager")
        await self.add_member(organizations[0], gita, "primary_contact")

    async def add_member(self, organization: int, contact: int, role: str) -> None:
        await self.insert("members", organization_id=organization, contact_id=contact, role=role)

    async def add_work(self, place: int, organization: int) -> None:
        """Members, projects with tasks, and a document of an organization."""
        members = self.random.sample(self.contacts[2:], self.random.randint(1, 5))
        roles = ["primary_contact", *self.random.sample(data.ROLES, 4)]
        for contact, role in zip(members, roles, strict=False):
            await self.add_member(organization, contact, role)
        if place % 4 != 3:
            for _ in range(self.random.randint(1, 3)):
                await self.add_project(organization)
        await self.add_document(organization)

    async def add_project(self, organization: int) -> None:
        today = date.today()  # noqa: DTZ011 -- any time zone's will do
        start = today - timedelta(days=self.random.randint(0, 200))
        audience = self.random.choice(["internal", "client", "client"])
        project = await self.insert(
            "projects",
            organization_id=organization,
            title=self.random.choice(data.PROJECTS),
            status=self.random.choice(["planned", "active", "active", "on_hold", "completed"]),
            audience=audience,
            start_date=start,
            due_date=start + timedelta(days=self.random.randint(30, 260)),
        )
        statuses = ["todo", "todo", "in_progress", "blocked", "review", "completed"]
        for order in range(self.random.randint(2, 5)):
            await self.insert(
                "tasks",
                project_id=project,
                organization_id=organization,
                title=self.random.choice(data.TASKS),
                assignee_id=self.random.choice(self.users[:3]),
                audience=audience,
                order=order,
                status=self.random.choice(statuses),
                priority=self.random.choice(["low", "medium", "medium", "high"]),
                due_date=today + timedelta(days=self.random.randint(-20, 60)),
            )

    async def add_document(self, organization: int) -> None:
        name = self.random.choice(data.DOCUMENTS)
        slug = name.lower().replace(" ", "-")
        await self.insert(
            "documents",
            organization_id=organization,
            uploader_id=self.users[1],
            name=name,
            link=f"https://files.example.com/{secrets.token_hex(4)}/{slug}",
            audience=self.random.choice(["internal", "client"]),
        )

    async def add_activity(self, organization: int, audience: str) -> None:
        """An activity with the organization's first contact, within working hours of the last
        half-year.
        """
        author = self.random.choice(self.users[:2])
        kind = self.random.choice(list(data.ACTIVITIES))
        morning = datetime.now(UTC).replace(hour=7, minute=0, second=0, microsecond=0)
        morning -= timedelta(days=self.random.randint(1, 180))
        activity = await self.insert(
            "activities",
            organization_id=organization,
            kind=kind,
            author_id=author,
            text=self.random.choice(data.ACTIVITIES[kind]),
            audience=audience,
            happened_at=morning + timedelta(minutes=15 * self.random.randint(0, 40)),
        )
        if kind == "note":
            return
        contact = await self.connection.fetchval(
            """
            SELECT contact_id FROM members WHERE tenant_id = $1 AND organization_id = $2
            ORDER BY role <> 'primary_contact', id LIMIT 1
            """,
            self.tenant,
            organization,
        )
        await self.insert("activity_contacts", activity_id=activity, contact_id=contact)

    async def show_to_guest(self, organization: int) -> None:
        """Make the work of Gita's organization visible to guests, or she would find it empty."""
        for table in ("projects", "tasks", "documents"):
            await self.connection.execute(
                f"UPDATE {table} SET audience = 'client'"
                " WHERE tenant_id = $1 AND organization_id = $2",
                self.tenant,
                organization,
            )

    async def insert(self, table: str, **values: object) -> int:
        """Insert a row of the tenant; returns its id."""
        columns = ", ".join(f'"{name}"' for name in values)
        places = ", ".join(f"${number + 2}" for number in range(len(values)))
        id = await self.connection.fetchval(
            f"INSERT INTO {table} (tenant_id, {columns}) VALUES ($1, {places}) RETURNING id",
            self.tenant,
            *values.values(),
        )
        return int(id)
