"""A fresh consultancy and its people, signed in."""

import hashlib
import secrets
from typing import Any

import httpx

from support.sql import Sql


class Person:
    """Somebody signed in: requests carry their cookie."""

    def __init__(
        self, client: httpx.Client, tenant: int, id: int, username: str, token: str | None
    ) -> None:
        self.client, self.tenant, self.id, self.username, self.token = (
            client,
            tenant,
            id,
            username,
            token,
        )

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if self.token:
            headers.setdefault("Cookie", f"connect.sid={self.token}")
        return self.client.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.request("POST", path, **({"json": body} if body is not None else {}), **options)

    def put(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.request("PUT", path, json={} if body is None else body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.request("PATCH", path, json={} if body is None else body, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def made(self, path: str, **body: Any) -> dict[str, Any]:
        """What a POST makes, which must succeed."""
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else {}


class Cast:
    """A fresh consultancy: its people, and Acme with a member of each kind."""

    def __init__(self, sql: Sql, client: httpx.Client) -> None:
        self.sql = sql
        self.client = client
        client.cookies.clear()  # a login of the test before
        self.tenant = self._tenant("Consultancy")
        self.other_tenant = self._tenant("Another consultancy")
        self.ada = self.person("Ada", "admin")
        self.cora = self.person("Cora", "consultant")
        self.acme = self.ada.made("/api/organizations", name="Acme Corporation", type="customer")[
            "id"
        ]
        self.globex = self.ada.made("/api/organizations", name="Globex", type="prospect")["id"]
        self.stan_contact = self.contact("Stan", "internal")
        self.gita_contact = self.contact("Gita", "client")
        for contact in (self.stan_contact, self.gita_contact):
            self.ada.made(
                f"/api/organizations/{self.acme}/members", contactId=contact, role="member"
            )
        self.stan = self.person("Stan", "staff", contact=self.stan_contact)
        self.gita = self.person("Gita", "guest", contact=self.gita_contact)
        self.sam = self.person("Sam", "staff")
        self.olga = self.person("Olga", "admin", tenant=self.other_tenant)
        self.nobody = Person(client, 0, 0, "", None)
        self.asking = self.ada  # whose a sample is that nobody else sees

    def _tenant(self, name: str) -> int:
        return int(self.sql.value("INSERT INTO tenants (name) VALUES ($1) RETURNING id", name))

    def contact(self, name: str, type: str = "client") -> int:
        return int(
            self.ada.made(
                "/api/contacts",
                fullName=name,
                email=f"{secrets.token_hex(6)}@example.com",
                type=type,
            )["id"]
        )

    def person(
        self, name: str, role: str, *, tenant: int | None = None, contact: int | None = None
    ) -> Person:
        """A user with a session, made in the database: no password is hashed for it."""
        tenant = tenant or self.tenant
        username = f"{name.lower()}.{secrets.token_hex(6)}@example.com"
        token = secrets.token_urlsafe(32)
        user = self.sql.value(
            """WITH acting AS MATERIALIZED (
                   SELECT set_config('retainer.tenant', $1::text, true),
                          acting_as(NULL, 'command', 'command', NULL, 'test'))
               INSERT INTO users (tenant_id, username, full_name, role, contact_id)
               SELECT $1::bigint, $2, $3, $4, $5 FROM acting RETURNING id""".replace("$1::text", "$6"),
            tenant, username, name, role, contact, str(tenant),
        )  # fmt: skip
        self.sql.rows(
            """INSERT INTO sessions (tenant_id, user_id, token_hash, idle_expires_at, expires_at)
               VALUES ($1, $2, $3, now() + interval '1 day', now() + interval '30 days')""",
            tenant, user, hashlib.sha256(token.encode()).digest(),
        )  # fmt: skip
        return Person(self.client, tenant, int(user), username, token)
