import createClient from "openapi-fetch";
import type { paths } from "../generated/openapi-typescript/schema";
import { API, run, signIn, there } from "./thirteen";

async function main(): Promise<void> {
  const api = createClient<paths>({ baseUrl: API, headers: { Cookie: await signIn() } });
  const at = (id: number) => ({ params: { path: { id } } });
  const of = (organizationId: number) => ({ params: { path: { organizationId } } });
  const member = (organizationId: number, contactId: number) => ({
    params: { path: { organizationId, contactId } },
  });
  await run({
    list: async () => there((await api.GET("/organizations")).data),
    create: async (name) =>
      there((await api.POST("/organizations", {
        body: { name, type: "customer", metadata: { a: { b: [1] } } },
      })).data),
    get: async (id) => there((await api.GET("/organizations/{id}", at(id))).data),
    update: async (id, body) =>
      there((await api.PUT("/organizations/{id}", { ...at(id), body })).data),
    remove: (id) => api.DELETE("/organizations/{id}", at(id)),
    duplicate: async (id) =>
      there((await api.POST("/organizations/{id}/duplicate", at(id))).data),
    below: async (id) => [
      there((await api.GET("/organizations/{organizationId}/tasks", of(id))).data),
      there((await api.GET("/organizations/{organizationId}/projects", of(id))).data),
      there((await api.GET("/organizations/{organizationId}/documents", of(id))).data),
    ],
    members: async (id) =>
      there((await api.GET("/organizations/{organizationId}/members", of(id))).data),
    addMember: (id, contactId) =>
      api.POST("/organizations/{organizationId}/members", {
        ...of(id), body: { contactId, role: "member" },
      }),
    changeMember: (id, contactId) =>
      api.PATCH("/organizations/{organizationId}/members/{contactId}", {
        ...member(id, contactId), body: { role: "stakeholder" },
      }),
    removeMember: (id, contactId) =>
      api.DELETE("/organizations/{organizationId}/members/{contactId}", member(id, contactId)),
  });
}

void main();
