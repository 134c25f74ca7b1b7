import * as api from "../generated/typescript-axios";
import { API, run, signIn } from "./thirteen";

async function main(): Promise<void> {
  const options = { headers: { Cookie: await signIn() } };
  const configuration = new api.Configuration({ basePath: API, baseOptions: options });
  const organizations = new api.OrganizationsApi(configuration);
  const members = new api.MembersApi(configuration);
  await run({
    list: async () => (await organizations.listOrganizations()).data,
    create: async (name) =>
      (await organizations.createOrganization({
        name, type: "customer", metadata: { a: { b: [1] } },
      })).data,
    get: async (id) => (await organizations.getOrganization(id)).data,
    update: async (id, whole) =>
      (await organizations.updateOrganization(id, whole)).data,
    remove: (id) => organizations.deleteOrganization(id),
    duplicate: async (id) => (await organizations.duplicateOrganization(id)).data,
    below: async (id) => [
      (await organizations.listOrganizationTasks(id)).data,
      (await organizations.listOrganizationProjects(id)).data,
      (await organizations.listOrganizationDocuments(id)).data,
    ],
    members: async (id) => (await members.listMembers(id)).data,
    addMember: (id, contactId) => members.addMember(id, { contactId, role: "member" }),
    changeMember: (id, contactId) =>
      members.updateMember(id, contactId, { role: "stakeholder" }),
    removeMember: (id, contactId) => members.removeMember(id, contactId),
  });
}

void main();
