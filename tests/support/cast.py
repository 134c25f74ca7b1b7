"""A fresh consultancy and its people, signed in."""

import hashlib
import secrets
from pathlib import Path
from typing import Any

import httpx

from support.sql import Sql

_PROCEDURES = Path(__file__).with_name("cast.sql").read_text()


class Person:
    """A signed-in person: requests carry the cookie."""

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
        """The record that a POST creates; it must succeed."""
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else {}


class Cast:
    """A fresh consultancy: its people, and Acme with a member of each kind."""

    def __init__(self, sql: Sql, client: httpx.Client) -> None:
        self.sql = sql
        self.client = client
        client.cookies.clear()  # a login of the test before
        people = ["Ada", "Cora", "Stan", "Gita", "Sam", "Olga"]
        usernames, tokens = [_email(name) for name in people], [_token() for _ in people]
        made = _call(
            sql,
            "CALL pg_temp.add_cast($1, $2, $3, NULL)",
            [_email(), _email()], usernames, [_digest(token) for token in tokens],
        )  # fmt: skip
        self.tenant, self.other_tenant, self.acme, self.globex = made[:4]
        self.stan_contact, self.gita_contact = made[4:6]
        tenants = [self.tenant] * 5 + [self.other_tenant]
        self.ada, self.cora, self.stan, self.gita, self.sam, self.olga = (
            Person(client, *of_one)
            for of_one in zip(tenants, made[6:], usernames, tokens, strict=True)
        )
        self.nobody = Person(client, 0, 0, "", None)
        self.asking = self.ada  # whose a sample is that nobody else sees

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
        username, token = _email(name), _token()
        user = _call(
            self.sql,
            "CALL pg_temp.add_user($1, $2, $3, $4, $5, $6, NULL)",
            tenant, name, role, contact, username, _digest(token),
        )  # fmt: skip
        return Person(self.client, tenant, user, username, token)

    def with_role(self, person: Person, role: str) -> Person:
        """The person with another role and a new session: the role's change ended the others."""
        answer = self.ada.put(f"/api/users/{person.id}", {"role": role})
        assert answer.status_code == 200, answer.text
        return self.again(person)

    def again(self, person: Person) -> Person:
        """The person with one more session."""
        token = _token()
        self.sql.rows(
            """INSERT INTO sessions (tenant_id, user_id, token_hash, idle_expires_at, expires_at)
            VALUES ($1, $2, $3, now() + interval '1 day', now() + interval '30 days')""",
            person.tenant, person.id, _digest(token),
        )  # fmt: skip
        return Person(self.client, person.tenant, person.id, person.username, token)


def _call(sql: Sql, text: str, *arguments: Any) -> Any:
    """The result of a procedure of cast.sql, which a connection gets before its first call."""
    if not sql.value("SELECT to_regproc('pg_temp.add_cast') IS NOT NULL"):
        sql.run(sql.connection.execute(_PROCEDURES))
    return sql.value(text, *arguments)


def _email(name: str = "") -> str:
    return f"{name.lower()}.{secrets.token_hex(6)}@example.com".lstrip(".")


def _token() -> str:
    return secrets.token_urlsafe(32)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
