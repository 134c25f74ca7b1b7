import { Api, MemberRole, OrganizationType } from "../generated/swagger-typescript-api/api";
import { API, run, signIn } from "./thirteen";

async function main(): Promise<void> {
  const headers = { Cookie: await signIn() };
  const { organizations } = new Api({ baseUrl: API, baseApiParams: { headers, format: "json" } });
  const nothing = { format: undefined };
  await run({
    list: async () => (await organizations.listOrganizations()).data,
    create: async (name) =>
      (await organizations.createOrganization({
        name, type: OrganizationType.Customer, metadata: { a: { b: [1] } },
      })).data,
    get: async (id) => (await organizations.getOrganization(id)).data,
    update: async (id, whole) => (await organizations.updateOrganization(id, whole)).data,
    remove: (id) => organizations.deleteOrganization(id, nothing),
    duplicate: async (id) => (await organizations.duplicateOrganization(id)).data,
    below: async (id) => [
      (await organizations.listOrganizationTasks(id)).data,
      (await organizations.listOrganizationProjects(id)).data,
      (await organizations.listOrganizationDocuments(id)).data,
    ],
    members: async (id) => (await organizations.listMembers(id)).data,
    addMember: (id, contactId) =>
      organizations.addMember(id, { contactId, role: MemberRole.Member }, nothing),
    changeMember: (id, contactId) =>
      organizations.updateMember(id, contactId, { role: MemberRole.Stakeholder }, nothing),
    removeMember: (id, contactId) => organizations.removeMember(id, contactId, nothing),
  });
}

void main();
