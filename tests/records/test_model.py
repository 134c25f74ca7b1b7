"""Random histories over the API against a model in plain Python."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from support.cast import Cast

TYPES = st.sampled_from(["customer", "prospect", "partner", "vendor", "internal", "other"])
STATUSES = st.sampled_from(["active", "inactive", "archived"])
ROLES = st.sampled_from(["primary_contact", "stakeholder", "member"])
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)

NAMES = st.one_of(
    st.sampled_from(["Acme", "Acme (copy)", "Ärger", "zoo"]),
    TEXTS.filter(lambda t: any(map(str.isalnum, t))),
)

METADATA = st.none() | st.dictionaries(
    TEXTS, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS, max_size=3
)

FIELDS = {"name": NAMES, "type": TYPES, "status": STATUSES, "industry": st.none() | TEXTS, "website": st.none() | TEXTS,
          "description": st.none() | TEXTS, "metadata": METADATA}  # fmt: skip


def kept(body: dict[str, Any]) -> dict[str, Any]:
    """The texts of a body as they are kept: trimmed on one line, null where they are empty."""
    lines = {k: v.strip() or None for k, v in body.items() if isinstance(v, str)}
    if lines.get("description"):
        lines["description"] = body["description"]
    return body | lines


class Consultancy(RuleBasedStateMachine):
    """One tenant; the model holds organizations, contacts and memberships."""

    make: Any  # gives a fresh cast

    organizations = Bundle("organizations")
    contacts = Bundle("contacts")

    @initialize()
    def begin(self) -> None:
        self.cast: Cast = type(self).make()
        self.model: dict[int, dict[str, Any]] = {}
        self.people: set[int] = set()
        self.members: dict[tuple[int, int], str] = {}
        for row in self.cast.ada.get("/api/organizations").json():
            self.model[row["id"]] = row
            for member in self.cast.ada.get(f"/api/organizations/{row['id']}/members").json():
                self.members[member["organizationId"], member["contactId"]] = member["role"]

    @rule(
        target=organizations,
        body=st.fixed_dictionaries(
            {"name": NAMES, "type": TYPES}, optional={k: FIELDS[k] for k in list(FIELDS)[2:]}
        ),
    )
    def create(self, body: dict[str, Any]) -> int:
        made = self.cast.cora.made("/api/organizations", **body)
        expected = {
            "status": "active",
            "industry": None,
            "website": None,
            "description": None,
            "metadata": None,
        } | kept(body)
        assert {k: made[k] for k in FIELDS} == expected
        self.model[made["id"]] = made
        return made["id"]

    @rule(id=organizations, body=st.fixed_dictionaries({}, optional=FIELDS))
    def update(self, id: int, body: dict[str, Any]) -> None:
        answer = self.cast.ada.put(f"/api/organizations/{id}", body)
        if id not in self.model:
            assert answer.status_code == 404
            return
        before = self.model[id]
        assert answer.status_code == 200, answer.text
        assert answer.json() | {"updatedAt": ""} == before | kept(body) | {"updatedAt": ""}
        same = all(before[k] == v for k, v in kept(body).items())
        assert (answer.json()["updatedAt"] == before["updatedAt"]) or not same
        self.model[id] = answer.json()

    @rule(target=organizations, id=organizations)
    def duplicate(self, id: int) -> Any:
        answer = self.cast.cora.post(f"/organizations/{id}/duplicate")
        if id not in self.model:
            assert answer.status_code == 404
            return multiple()
        copy = answer.json()
        taken = {row["name"] for row in self.model.values()}
        assert copy["name"] not in taken
        assert {k: copy[k] for k in list(FIELDS)[1:]} == {
            k: self.model[id][k] for k in list(FIELDS)[1:]
        }
        self.model[copy["id"]] = copy
        return copy["id"]

    @rule(id=consumes(organizations))
    def delete(self, id: int) -> None:
        answer = self.cast.ada.delete(f"/api/organizations/{id}")
        assert answer.status_code == (204 if id in self.model else 404)
        self.model.pop(id, None)
        self.members = {key: role for key, role in self.members.items() if key[0] != id}

    @rule(target=contacts)
    def meet(self) -> int:
        id = self.cast.contact("Somebody")
        self.people.add(id)
        return id

    @rule(organization=organizations, contact=contacts, role=ROLES)
    def join(self, organization: int, contact: int, role: str) -> None:
        answer = self.cast.cora.post(
            f"/organizations/{organization}/members", {"contactId": contact, "role": role}
        )
        if organization not in self.model:
            expected = 404
        elif contact not in self.people:
            expected = 422
        else:
            expected = 409 if (organization, contact) in self.members else 200
        assert answer.status_code == expected, answer.text
        if expected == 200:
            self.members[organization, contact] = role

    @rule(organization=organizations, contact=contacts, role=ROLES)
    def change_role(self, organization: int, contact: int, role: str) -> None:
        answer = self.cast.ada.patch(
            f"/api/organizations/{organization}/members/{contact}", {"role": role}
        )
        known = (organization, contact) in self.members
        assert answer.status_code == (200 if known else 404)
        if known:
            self.members[organization, contact] = role

    @rule(organization=organizations, contact=contacts)
    def leave(self, organization: int, contact: int) -> None:
        answer = self.cast.ada.delete(f"/organizations/{organization}/members/{contact}")
        assert answer.status_code == (204 if (organization, contact) in self.members else 404)
        self.members.pop((organization, contact), None)

    @rule(contact=contacts)
    def forget(self, contact: int) -> None:
        answer = self.cast.ada.delete(f"/api/contacts/{contact}")
        if contact not in self.people:
            assert answer.status_code == 404
        elif any(key[1] == contact for key in self.members):
            assert answer.status_code == 409
        else:
            assert answer.status_code == 204
            self.people.remove(contact)

    @invariant()
    def everybody_sees_what_is_theirs(self) -> None:
        if not hasattr(self, "model"):
            return
        listed = self.cast.ada.get("/organizations").json()
        assert {row["id"]: row for row in listed} == self.model
        assert len(listed) == len(self.model)
        for who, contact in (("stan", self.cast.stan_contact), ("gita", self.cast.gita_contact)):
            seen = {row["id"] for row in getattr(self.cast, who).get("/organizations").json()}
            assert seen == {
                organization for organization, member in self.members if member == contact
            }
        assert self.cast.olga.get("/organizations").json() == []

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return
        for id in self.model:
            rows = self.cast.ada.get(f"/organizations/{id}/members").json()
            assert {(id, row["contactId"]): row["role"] for row in rows} == {
                k: v for k, v in self.members.items() if k[0] == id
            }
        self.every_version_is_in_the_journal()

    def every_version_is_in_the_journal(self) -> None:
        """Replaying the changes gives the rows as they are."""
        rows = self.cast.sql.rows(
            "SELECT entity_id, after FROM changes WHERE tenant_id = $1 AND entity = 'organizations' ORDER BY operation_id, sequence",
            self.cast.tenant,
        )
        import json

        replayed: dict[int, dict[str, Any]] = {}
        for row in rows:
            replayed.setdefault(row["entity_id"], {}).update(json.loads(row["after"]))
        alive = {id: row for id, row in replayed.items() if row["deleted_by"] is None}
        assert {id: {k: row[k] for k in FIELDS} for id, row in alive.items()} == {
            id: {k: row[k] for k in FIELDS} for id, row in self.model.items()
        }


@pytest.mark.slow
def test_short_random_histories_answer_as_the_model_does(cast: Cast) -> None:
    run(cast, examples=8, steps=25)


@pytest.mark.slow
def test_long_random_histories_answer_as_the_model_does(cast: Cast) -> None:
    run(cast, examples=40, steps=50)


def run(cast: Cast, *, examples: int, steps: int) -> None:
    machine = type(
        "Machine", (Consultancy,), {"make": staticmethod(lambda: Cast(cast.sql, cast.client))}
    )
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=examples, stateful_step_count=steps, deadline=None, database=None, derandomize=True,
                          suppress_health_check=list(HealthCheck)),
    )  # fmt: skip
