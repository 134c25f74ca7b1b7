// axios by itself, as a program without a generated client uses it.
import axios from "axios";
import { API, run, signIn } from "./thirteen";

type Organization = { id: number; name: string };

async function main(): Promise<void> {
  const http = axios.create({ baseURL: API, headers: { Cookie: await signIn() } });
  const at = (id: number) => `/organizations/${id}`;
  await run<Organization>({
    list: async () => (await http.get("/organizations")).data,
    create: async (name) => (await http.post("/organizations", { name, type: "customer" })).data,
    get: async (id) => (await http.get(at(id))).data,
    update: async (id, whole) => (await http.put(at(id), whole)).data,
    remove: (id) => http.delete(at(id)),
    duplicate: async (id) => (await http.post(`${at(id)}/duplicate`)).data,
    below: async (id) => [
      (await http.get(`${at(id)}/tasks`)).data,
      (await http.get(`${at(id)}/projects`)).data,
      (await http.get(`${at(id)}/documents`)).data,
    ],
    members: async (id) => (await http.get(`${at(id)}/members`)).data,
    addMember: (id, contactId) => http.post(`${at(id)}/members`, { contactId, role: "member" }),
    changeMember: (id, contactId) =>
      http.patch(`${at(id)}/members/${contactId}`, { role: "stakeholder" }),
    removeMember: (id, contactId) => http.delete(`${at(id)}/members/${contactId}`),
  });
  await http.post("/logout");
}

void main();
