"""The thirteen operations by openapi-generator's Python client."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(os.environ["GENERATED"]) / "python"))

import openapi_client as api  # type: ignore[import-not-found]

configuration = api.Configuration(host=os.environ["RETAINER_API"])
with api.ApiClient(configuration) as client:
    login = api.Login(username="ada@example.com", password="quiet-ledger-2026")
    answer = api.AccountApi(client).login_with_http_info(login)
    client.cookie = answer.headers["set-cookie"].split(";")[0]
    organizations, members = api.OrganizationsApi(client), api.MembersApi(client)
    before = len(organizations.list_organizations())
    body = api.OrganizationCreate(name="Thirteen", type="customer", metadata={"a": {"b": [1]}})
    made = organizations.create_organization(body)
    read = organizations.get_organization(made.id)
    whole = api.OrganizationUpdate.from_dict(read.to_dict() | {"name": "Thirteen again"})
    assert organizations.update_organization(made.id, whole).name == "Thirteen again"
    copy = organizations.duplicate_organization(made.id)
    assert organizations.list_organization_tasks(made.id) == []
    assert organizations.list_organization_projects(made.id) == []
    assert organizations.list_organization_documents(made.id) == []
    members.add_member(made.id, api.MemberCreate(contact_id=1, role="member"))
    members.update_member(made.id, 1, api.MemberUpdate(role="stakeholder"))
    assert [each.role for each in members.list_members(made.id)] == ["stakeholder"]
    members.remove_member(made.id, 1)
    organizations.delete_organization(copy.id)
    organizations.delete_organization(made.id)
    assert len(organizations.list_organizations()) == before
print("13 of 13")
