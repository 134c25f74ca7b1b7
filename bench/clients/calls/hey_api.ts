import * as sdk from "../generated/hey-api";
import { client } from "../generated/hey-api/client.gen";
import { API, run, signIn, there } from "./thirteen";

async function main(): Promise<void> {
  client.setConfig({ baseUrl: API, headers: { Cookie: await signIn() } });
  const of = (organizationId: number) => ({ path: { organizationId } });
  await run({
    list: async () => there((await sdk.listOrganizations()).data),
    create: async (name) =>
      there((await sdk.createOrganization({
        body: { name, type: "customer", metadata: { a: { b: [1] } } },
      })).data),
    get: async (id) => there((await sdk.getOrganization({ path: { id } })).data),
    update: async (id, body) =>
      there((await sdk.updateOrganization({ path: { id }, body })).data),
    remove: (id) => sdk.deleteOrganization({ path: { id } }),
    duplicate: async (id) => there((await sdk.duplicateOrganization({ path: { id } })).data),
    below: async (id) => [
      there((await sdk.listOrganizationTasks(of(id))).data),
      there((await sdk.listOrganizationProjects(of(id))).data),
      there((await sdk.listOrganizationDocuments(of(id))).data),
    ],
    members: async (id) => there((await sdk.listMembers(of(id))).data),
    addMember: (id, contactId) =>
      sdk.addMember({ ...of(id), body: { contactId, role: "member" } }),
    changeMember: (organizationId, contactId) =>
      sdk.updateMember({ path: { organizationId, contactId }, body: { role: "stakeholder" } }),
    removeMember: (organizationId, contactId) =>
      sdk.removeMember({ path: { organizationId, contactId } }),
  });
}

void main();
