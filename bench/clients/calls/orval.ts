import * as api from "../generated/orval/api";
import { createOrganizationBody, listOrganizationsResponse } from "../generated/orval/zod";
import { expect, run, signIn } from "./thirteen";

async function main(): Promise<void> {
  const options = { headers: { Cookie: await signIn() } };
  const found = <T>(response: { status: number; data: unknown }, status: number): T => {
    expect(response.status === status, `${response.status}`);
    return response.data as T;
  };
  const body = { name: "Thirteen", type: "customer", metadata: { a: { b: [1] } } } as const;
  createOrganizationBody.parse(body);
  await run({
    list: async () => {
      const response = await api.listOrganizations(undefined, options);
      if (response.status !== 200) throw new Error("list");
      listOrganizationsResponse.parse(response.data);
      return response.data;
    },
    create: async () => found<api.Organization>(await api.createOrganization(body, options), 200),
    get: async (id) => found<api.Organization>(await api.getOrganization(id, options), 200),
    update: async (id, whole) =>
      found<api.Organization>(await api.updateOrganization(id, whole, options), 200),
    remove: async (id) => found(await api.deleteOrganization(id, options), 204),
    duplicate: async (id) =>
      found<api.Organization>(await api.duplicateOrganization(id, options), 200),
    below: async (id) => [
      found(await api.listOrganizationTasks(id, undefined, options), 200),
      found(await api.listOrganizationProjects(id, undefined, options), 200),
      found(await api.listOrganizationDocuments(id, undefined, options), 200),
    ],
    members: async (id) =>
      found<api.Member[]>(await api.listMembers(id, undefined, options), 200),
    addMember: async (id, contactId) =>
      found(await api.addMember(id, { contactId, role: "member" }, options), 200),
    changeMember: async (id, contactId) =>
      found(await api.updateMember(id, contactId, { role: "stakeholder" }, options), 200),
    removeMember: async (id, contactId) =>
      found(await api.removeMember(id, contactId, options), 204),
  });
}

void main();
