import * as api from "../generated/typescript-fetch";
import { API, run, signIn } from "./thirteen";

async function main(): Promise<void> {
  const headers = { Cookie: await signIn() };
  const configuration = new api.Configuration({ basePath: API, headers });
  const organizations = new api.OrganizationsApi(configuration);
  const members = new api.MembersApi(configuration);
  await run({
    list: () => organizations.listOrganizations(),
    create: (name) =>
      organizations.createOrganization({
        organizationCreate: { name, type: "customer", metadata: { a: { b: [1] } } },
      }),
    get: (id) => organizations.getOrganization({ id }),
    update: (id, whole) =>
      organizations.updateOrganization({ id, organizationUpdate: whole }),
    remove: (id) => organizations.deleteOrganization({ id }),
    duplicate: (id) => organizations.duplicateOrganization({ id }),
    below: async (organizationId) => [
      await organizations.listOrganizationTasks({ organizationId }),
      await organizations.listOrganizationProjects({ organizationId }),
      await organizations.listOrganizationDocuments({ organizationId }),
    ],
    members: (organizationId) => members.listMembers({ organizationId }),
    addMember: (organizationId, contactId) =>
      members.addMember({ organizationId, memberCreate: { contactId, role: "member" } }),
    changeMember: (organizationId, contactId) =>
      members.updateMember({ organizationId, contactId, memberUpdate: { role: "stakeholder" } }),
    removeMember: (organizationId, contactId) =>
      members.removeMember({ organizationId, contactId }),
  });
}

void main();
