"""The thirteen operations by openapi-python-client."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(os.environ["GENERATED"]) / "openapi-python-client"))

from retainer_client import Client, models  # type: ignore[import-not-found]
from retainer_client.api.account import login  # type: ignore[import-not-found]
from retainer_client.api.members import (  # type: ignore[import-not-found]
    add_member,
    list_members,
    remove_member,
    update_member,
)
from retainer_client.api.organizations import (  # type: ignore[import-not-found]
    create_organization,
    delete_organization,
    duplicate_organization,
    get_organization,
    list_organization_documents,
    list_organization_projects,
    list_organization_tasks,
    list_organizations,
    update_organization,
)

client = Client(base_url=os.environ["RETAINER_API"])
ada = models.Login(username="ada@example.com", password="quiet-ledger-2026")
answer = login.sync_detailed(client=client, body=ada)
client = client.with_headers({"Cookie": answer.headers["set-cookie"].split(";")[0]})
before = len(list_organizations.sync(client=client))
metadata = models.Metadata.from_dict({"a": {"b": [1]}})
body = models.OrganizationCreate(
    name="Thirteen", type_=models.OrganizationType.CUSTOMER, metadata=metadata
)
made = create_organization.sync(client=client, body=body)
read = get_organization.sync(made.id, client=client)
whole = models.OrganizationUpdate.from_dict(read.to_dict() | {"name": "Thirteen again"})
assert update_organization.sync(made.id, client=client, body=whole).name == "Thirteen again"
copy = duplicate_organization.sync(made.id, client=client)
assert list_organization_tasks.sync(made.id, client=client) == []
assert list_organization_projects.sync(made.id, client=client) == []
assert list_organization_documents.sync(made.id, client=client) == []
role = models.MemberRole.STAKEHOLDER
member = models.MemberCreate(contact_id=1, role=models.MemberRole.MEMBER)
assert add_member.sync_detailed(made.id, client=client, body=member).status_code == 200
change = models.MemberUpdate(role=role)
assert update_member.sync_detailed(made.id, 1, client=client, body=change).status_code == 200
assert [each.role for each in list_members.sync(made.id, client=client)] == [role]
assert remove_member.sync_detailed(made.id, 1, client=client).status_code == 204
for id in (copy.id, made.id):
    assert delete_organization.sync_detailed(id, client=client).status_code == 204
assert len(list_organizations.sync(client=client)) == before
print("13 of 13")
