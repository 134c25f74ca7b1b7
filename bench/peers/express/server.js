// Peer: Express with express-session in PostgreSQL, the cookie's original home.
// The session row carries the signed-in user, so a request costs one session read and one query of its own.
import connectPgSimple from "connect-pg-simple";
import express from "express";
import session from "express-session";
import pg from "pg";
import { z } from "zod";

pg.types.setTypeParser(pg.types.builtins.INT8, Number);

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const PostgresStore = connectPgSimple(session);

const COLUMNS = `id, name, type, status, industry, website, description, metadata,
  created_at AS "createdAt", updated_at AS "updatedAt"`;

const NewOrganization = z.strictObject({
  name: z.string().min(1).max(300),
  type: z.enum(["customer", "prospect", "partner", "vendor", "internal", "other"]),
  status: z.enum(["active", "inactive", "archived"]).default("active"),
  industry: z.string().max(300).nullish(),
  website: z.string().max(2000).nullish(),
  description: z.string().max(20000).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
});

const app = express();
app.disable("x-powered-by");
app.use(express.json());
app.use(
  session({
    store: new PostgresStore({ pool, disableTouch: true }),
    secret: "a bench needs no secret",
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: "lax", maxAge: 12 * 3600 * 1000 },
  }),
);

app.post("/api/login", async (req, res) => {
  const found = await pool.query({
    name: "user-by-username",
    text: "SELECT id, tenant_id, role FROM users WHERE username = $1",
    values: [req.body?.username],
  });
  if (found.rowCount === 0) return problem(res, 401, "Wrong username or password");
  const user = found.rows[0];
  req.session.regenerate((error) => {
    if (error) return problem(res, 500, "No session");
    req.session.user = { id: user.id, tenantId: user.tenant_id, role: user.role };
    res.json({ id: user.id, role: user.role });
  });
});

app.get("/api/organizations", signedIn, async (req, res) => {
  const found = await pool.query({
    name: "organizations",
    text: `SELECT ${COLUMNS} FROM organizations WHERE tenant_id = $1 ORDER BY name`,
    values: [req.session.user.tenantId],
  });
  res.json(found.rows);
});

app.get("/api/organizations/:id", signedIn, async (req, res) => {
  const id = Number(req.params.id);
  if (!Number.isSafeInteger(id)) return problem(res, 422, "The id is no integer");
  const found = await pool.query({
    name: "organization",
    text: `SELECT ${COLUMNS} FROM organizations WHERE tenant_id = $1 AND id = $2`,
    values: [req.session.user.tenantId, id],
  });
  if (found.rowCount === 0) return problem(res, 404, "No such organization");
  res.json(found.rows[0]);
});

app.post("/api/organizations", signedIn, allowed("admin", "consultant"), async (req, res) => {
  const body = NewOrganization.safeParse(req.body);
  if (!body.success) return problem(res, 422, "The body is wrong", body.error.issues);
  const { name, type, status, industry, website, description, metadata } = body.data;
  const created = await pool.query({
    name: "organization-create",
    text: `INSERT INTO organizations (tenant_id, name, type, status, industry, website, description, metadata)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ${COLUMNS}`,
    values: [req.session.user.tenantId, name, type, status, industry, website, description, metadata],
  });
  res.json(created.rows[0]);
});

app.use((error, req, res, next) => problem(res, error.status ?? 500, "It went wrong"));

function signedIn(req, res, next) {
  if (!req.session.user) return problem(res, 401, "Sign in first");
  next();
}

function allowed(...roles) {
  return (req, res, next) => {
    if (!roles.includes(req.session.user.role)) return problem(res, 403, "Not allowed");
    next();
  };
}

function problem(res, status, title, errors) {
  res.status(status).type("application/problem+json").send(JSON.stringify({ title, status, errors }));
}

app.listen(Number(process.env.PORT), "127.0.0.1");
