import type { Case, Row, World } from "./row.js";
import { absent, anything, int, listWith, matches, text, time } from "./shape.js";

/** All of these ask the guarded server, whose admin password is this. */
export const password = "correct horse";
const admin = { "X-API-Key": password };
let made = 0;

const aKey = async (world: World) => {
  const name = `key-${++made}`;
  const { json } = await world.servers.guarded.call("POST", "auth/keys", { name, role: "readonly" }, admin);
  const list = await world.servers.guarded.call("GET", "auth/keys", undefined, admin);
  const hash = (list.json as { name: string; key_hash: string }[] | undefined)?.find?.((key) => key.name === name)?.key_hash ?? "missing";
  return { name, key: String(json?.api_key ?? "missing"), hash };
};
const aRole = async (world: World) => {
  const name = `role-${++made}`;
  await world.servers.guarded.call("POST", "auth/roles", { name, permissions: [{ resource: "jobs", actions: ["read"] }] }, admin);
  return { role: name };
};
const aNamespace = async (world: World) => {
  const name = `ns-${++made}`;
  await world.servers.guarded.call("POST", "namespaces", { name }, admin);
  return { ns: name };
};
const keyAndRole = async (world: World) => {
  const values = { ...(await aKey(world)), ...(await aRole(world)) };
  await world.servers.guarded.call("POST", `auth/keys/${values.hash}/roles`, { role: values.role }, admin);
  return values;
};
const guarded = (row: Row): Row => ({ ...row, cases: row.cases.map((each): Case => ({ headers: admin, ...each, on: "guarded" })) });
const later = "single sign-on is a later piece of work";

/** §6.6, and of §2 the refusals. */
export const authRows: readonly Row[] = (
  [
    { method: "GET", path: "/auth/status", cases: [{ what: "set", status: 200, answers: { admin_password_set: true } }] },
    {
      method: "GET",
      path: "/auth/keys",
      cases: [
        {
          what: "newest first",
          given: aKey,
          status: 200,
          answers: listWith({ key_hash: "{hash}", name: "{name}", namespace: "default", role: "readonly", enabled: true, created_at: time, api_key: absent }),
        },
        { what: "no credential", headers: {}, status: 401, code: "UNAUTHORIZED", error: "missing API key" },
        { what: "a wrong one", headers: { "X-API-Key": "nope" }, status: 401, code: "UNAUTHORIZED", error: "invalid API key" },
      ],
    },
    {
      method: "POST",
      path: "/auth/keys",
      cases: [
        {
          what: "made",
          body: { name: "ci" },
          status: 200,
          answers: { status: "ok", api_key: matches(/^corvo_[\w-]{43}$/) },
          ours: "256 bits and a prefix that scanners for leaked secrets know, where Corvo makes sk_ and 26 hex",
        },
        {
          what: "given",
          body: { name: "given", key: "sk_given", namespace: "default", role: "worker", queue_scope: "q.*", expires_at: "2100-01-01T00:00:00Z", enabled: true },
          status: 200,
          answers: { status: "ok", api_key: "sk_given" },
        },
        { what: "no name", body: {}, status: 400, code: "AUTH_ERROR", error: "name is required" },
        { what: "a wrong time", body: { name: "x", expires_at: "soon" }, status: 400, code: "AUTH_ERROR", error: "expires_at must be RFC3339 timestamp" },
        {
          what: "as readonly",
          given: aKey,
          headers: { "X-API-Key": "{key}" },
          body: { name: "x" },
          status: 403,
          code: "FORBIDDEN",
          error: "insufficient role permissions",
        },
      ],
    },
    {
      method: "DELETE",
      path: "/auth/keys",
      cases: [
        { what: "done", given: aKey, body: { key_hash: "{hash}" }, status: 200, answers: { status: "deleted" } },
        { what: "absent", body: { key_hash: "00" }, status: 200, answers: { status: "deleted" } },
      ],
    },
    {
      method: "GET",
      path: "/auth/roles",
      cases: [
        {
          what: "all of them",
          given: aRole,
          status: 200,
          answers: listWith({ name: "{role}", permissions: [{ resource: "jobs", actions: ["read"] }], created_at: time }),
        },
      ],
    },
    {
      method: "POST",
      path: "/auth/roles",
      cases: [
        { what: "set", body: { name: "painter", permissions: [{ resource: "queues", actions: ["read", "pause"] }] }, status: 200, answers: { status: "ok" } },
      ],
    },
    {
      method: "DELETE",
      path: "/auth/roles/{name}",
      cases: [{ what: "done", given: aRole, at: "/auth/roles/{role}", status: 200, answers: { status: "deleted" } }],
    },
    {
      method: "GET",
      path: "/auth/keys/{key_hash}/roles",
      cases: [{ what: "of a key", given: keyAndRole, at: "/auth/keys/{hash}/roles", status: 200, answers: { key_hash: "{hash}", roles: ["{role}"] } }],
    },
    {
      method: "POST",
      path: "/auth/keys/{key_hash}/roles",
      cases: [
        {
          what: "given",
          given: async (world: World) => ({ ...(await aKey(world)), ...(await aRole(world)) }),
          at: "/auth/keys/{hash}/roles",
          body: { role: "{role}" },
          status: 200,
          answers: { status: "ok" },
        },
      ],
    },
    {
      method: "DELETE",
      path: "/auth/keys/{key_hash}/roles/{role}",
      cases: [{ what: "taken", given: keyAndRole, at: "/auth/keys/{hash}/roles/{role}", status: 200, answers: { status: "deleted" } }],
    },
    {
      method: "GET",
      path: "/namespaces",
      cases: [{ what: "all of them", given: aNamespace, status: 200, answers: listWith({ name: "{ns}", created_at: time }) }],
    },
    {
      method: "POST",
      path: "/namespaces",
      cases: [
        { what: "made", body: { name: "acme" }, status: 201, answers: { name: "acme", status: "created" } },
        { what: "there already", given: aNamespace, body: { name: "{ns}" }, status: 409, code: "CONFLICT", error: /./, ours: "409, as Corvo means to" },
        { what: "a wrong name", body: { name: "Not OK" }, status: 400, code: "VALIDATION_ERROR", error: /./ },
      ],
    },
    {
      method: "DELETE",
      path: "/namespaces/{name}",
      cases: [
        { what: "done", given: aNamespace, at: "/namespaces/{ns}", status: 200, answers: { status: "deleted" } },
        { what: "default", at: "/namespaces/default", status: 400, code: "VALIDATION_ERROR", error: /default/ },
      ],
    },
    {
      method: "GET",
      path: "/namespaces/{name}/rate-limit",
      cases: [
        { what: "none of its own", given: aNamespace, at: "/namespaces/{ns}/rate-limit", status: 200, answers: { using_defaults: true } },
        { what: "unknown", at: "/namespaces/none/rate-limit", status: 404, code: "NOT_FOUND", error: /none/ },
      ],
    },
    {
      method: "PUT",
      path: "/namespaces/{name}/rate-limit",
      cases: [
        {
          what: "set",
          given: aNamespace,
          at: "/namespaces/{ns}/rate-limit",
          body: { read_rps: 10, read_burst: 20, write_rps: 5, write_burst: 5 },
          status: 200,
          answers: { status: "updated" },
        },
        { what: "unknown", at: "/namespaces/none/rate-limit", body: { read_rps: 10 }, status: 404, code: "NOT_FOUND", error: /none/ },
      ],
    },
    { method: "GET", path: "/settings/sso", later, cases: [{ what: "read", status: 200, answers: { provider: text } }] },
    {
      method: "POST",
      path: "/settings/sso",
      later,
      cases: [
        { what: "set", body: { provider: "oidc", oidc_issuer_url: "https://id.example.com", oidc_client_id: "corvo" }, status: 200, answers: { status: "ok" } },
      ],
    },
    {
      method: "GET",
      path: "/audit-logs",
      cases: [
        {
          what: "newest first",
          given: aNamespace,
          at: "/audit-logs?limit=1&method=POST&path_prefix=/api/v1/namespaces",
          status: 200,
          answers: {
            audit_logs: [
              {
                id: anything,
                namespace: text,
                principal: "admin",
                role: "admin",
                method: "POST",
                path: "/api/v1/namespaces",
                status_code: 201,
                created_at: text,
              },
            ],
            total: int,
            limit: 1,
            offset: 0,
          },
        },
      ],
    },
  ] as Row[]
).map(guarded);

/** §6.6's last line: they never worked in Corvo. */
export const orgRows: readonly Row[] = [{ method: "GET", path: "/org", cases: [{ what: "does not exist", status: 404, answers: "404 page not found" }] }];
