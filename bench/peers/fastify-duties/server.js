// Peer: Fastify with the duties of a system of record: schema.sql has the audit trail, row-level security,
// folded names, trigram and full-text indexes; here each request acts as its tenant and user, and answers
// are compressed for those who accept it. Otherwise as ../fastify.
import { randomBytes } from "node:crypto";
import compress from "@fastify/compress";
import cookie from "@fastify/cookie";
import Fastify from "fastify";
import pg from "pg";

pg.types.setTypeParser(pg.types.builtins.INT8, Number);

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const sessions = new Map(); // sid -> { user, until (ms) }
const CACHED_MS = 60_000;

const COLUMNS = `id, name, type, status, industry, website, description, metadata,
  created_at AS "createdAt", updated_at AS "updatedAt"`;

const fields = {
  name: { type: "string", minLength: 1, maxLength: 300 },
  type: { type: "string", enum: ["customer", "prospect", "partner", "vendor", "internal", "other"] },
  status: { type: "string", enum: ["active", "inactive", "archived"], default: "active" },
  industry: { type: "string", maxLength: 300, nullable: true },
  website: { type: "string", maxLength: 2000, nullable: true },
  description: { type: "string", maxLength: 20000, nullable: true },
  metadata: { type: "object", additionalProperties: true, nullable: true },
};
const newOrganization = { type: "object", required: ["name", "type"], additionalProperties: false, properties: fields };
const organization = {
  type: "object",
  properties: {
    id: { type: "integer" },
    ...fields,
    createdAt: { type: "string", format: "date-time" },
    updatedAt: { type: "string", format: "date-time" },
  },
};

const app = Fastify();
app.register(cookie);
await app.register(compress, { encodings: ["gzip"] });
app.decorateRequest("user", null);

app.post("/api/login", async (request, reply) => {
  const found = await pool.query({
    name: "user-by-username",
    text: "SELECT id, tenant_id, role FROM users WHERE username = $1",
    values: [request.body?.username],
  });
  if (found.rowCount === 0) return problem(reply, 401, "Wrong username or password");
  const sid = randomBytes(24).toString("base64url");
  await pool.query({
    name: "session-create",
    text: "INSERT INTO sessions (sid, user_id, expires_at) VALUES ($1, $2, now() + interval '12 hours')",
    values: [sid, found.rows[0].id],
  });
  reply.setCookie("connect.sid", sid, { httpOnly: true, sameSite: "lax", path: "/" });
  return { id: found.rows[0].id, role: found.rows[0].role };
});

app.get(
  "/api/organizations",
  { onRequest: signedIn, schema: { response: { 200: { type: "array", items: organization } } } },
  async (request) => {
    const found = await queryAs(request.user, {
      name: "organizations",
      text: `SELECT ${COLUMNS} FROM organizations WHERE tenant_id = $1 ORDER BY name_folded, id`,
      values: [request.user.tenantId],
    });
    return found.rows;
  },
);

app.get(
  "/api/organizations/:id",
  {
    onRequest: signedIn,
    schema: { params: { type: "object", properties: { id: { type: "integer" } } }, response: { 200: organization } },
  },
  async (request, reply) => {
    const found = await queryAs(request.user, {
      name: "organization",
      text: `SELECT ${COLUMNS} FROM organizations WHERE tenant_id = $1 AND id = $2`,
      values: [request.user.tenantId, request.params.id],
    });
    if (found.rowCount === 0) return problem(reply, 404, "No such organization");
    return found.rows[0];
  },
);

app.post(
  "/api/organizations",
  { onRequest: [signedIn, allowed("admin", "consultant")], schema: { body: newOrganization, response: { 200: organization } } },
  async (request) => {
    const { name, type, status, industry, website, description, metadata } = request.body;
    const created = await queryAs(request.user, {
      name: "organization-create",
      text: `INSERT INTO organizations (tenant_id, name, type, status, industry, website, description, metadata)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ${COLUMNS}`,
      values: [request.user.tenantId, name, type, status, industry, website, description, metadata],
    });
    return created.rows[0];
  },
);

// A query as the user's tenant, by which the policies judge, and as the user, whom the audit trail names. A
// connection keeps both, so they are set only where it last acted for somebody else.
async function queryAs(user, query) {
  const client = await pool.connect();
  try {
    if (client.actsFor !== user.id) {
      client.actsFor = undefined;
      await client.query({
        name: "act-for",
        text: "SELECT set_config('app.tenant', $1, false), set_config('app.user', $2, false)",
        values: [String(user.tenantId), String(user.id)],
      });
      client.actsFor = user.id;
    }
    return await client.query(query);
  } finally {
    client.release();
  }
}

async function signedIn(request, reply) {
  const sid = request.cookies["connect.sid"];
  const user = sid && (await userOf(sid));
  if (!user) return problem(reply, 401, "Sign in first");
  request.user = user;
}

async function userOf(sid) {
  const cached = sessions.get(sid);
  if (cached && cached.until > Date.now()) return cached.user;
  const found = await pool.query({
    name: "session-user",
    text: `SELECT users.id, users.tenant_id AS "tenantId", users.role FROM sessions JOIN users ON users.id = user_id
      WHERE sid = $1 AND expires_at > now()`,
    values: [sid],
  });
  const user = found.rows[0];
  if (user) sessions.set(sid, { user, until: Date.now() + CACHED_MS });
  else sessions.delete(sid);
  return user;
}

function allowed(...roles) {
  return async (request, reply) => {
    if (!roles.includes(request.user.role)) return problem(reply, 403, "Not allowed");
  };
}

function problem(reply, status, title) {
  return reply.code(status).type("application/problem+json").send(JSON.stringify({ title, status }));
}

await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
