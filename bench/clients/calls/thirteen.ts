// The contract's thirteen operations, in an order that a program would call them, by any client.

export const API = process.env.RETAINER_API ?? "http://127.0.0.1:8000/api";

export interface Client<O extends { id: number; name: string }> {
  list(): Promise<O[]>;
  create(name: string): Promise<O>;
  get(id: number): Promise<O>;
  update(id: number, whole: O): Promise<O>;
  remove(id: number): Promise<unknown>;
  duplicate(id: number): Promise<O>;
  below(id: number): Promise<unknown[][]>; // tasks, projects, documents
  members(id: number): Promise<{ contactId?: number | null; role?: string | null }[]>;
  addMember(id: number, contactId: number): Promise<unknown>;
  changeMember(id: number, contactId: number): Promise<unknown>;
  removeMember(id: number, contactId: number): Promise<unknown>;
}

/** The Cookie header of a new session. */
export async function signIn(): Promise<string> {
  const response = await fetch(`${API}/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username: "ada@example.com", password: "quiet-ledger-2026" }),
  });
  expect(response.status === 200, "signing in");
  return response.headers.getSetCookie()[0].split(";")[0];
}

export async function run<O extends { id: number; name: string }>(client: Client<O>): Promise<void> {
  const before = (await client.list()).length;
  const made = await client.create("Thirteen");
  expect(made.name === "Thirteen", "creating");
  const read = await client.get(made.id);
  const changed = await client.update(made.id, { ...read, name: "Thirteen again" });
  expect(changed.name === "Thirteen again", "reading, changing and writing back");
  const copy = await client.duplicate(made.id);
  expect(copy.id !== made.id, "duplicating");
  for (const list of await client.below(made.id)) expect(Array.isArray(list), "lists below");
  await client.addMember(made.id, 1);
  await client.changeMember(made.id, 1);
  const [member] = await client.members(made.id);
  expect(member.contactId === 1 && member.role === "stakeholder", "members");
  await client.removeMember(made.id, 1);
  expect((await client.members(made.id)).length === 0, "removing a member");
  await client.remove(copy.id);
  await client.remove(made.id);
  expect((await client.list()).length === before, "deleting");
  console.log("13 of 13");
}

export function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** The data of a response, which must be there. */
export function there<T>(data: T | undefined): T {
  if (data === undefined) throw new Error("an empty response");
  return data;
}
