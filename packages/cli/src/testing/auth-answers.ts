import type { FakeServer } from "./fake-server.js";

/** What the fake server says about keys, roles and namespaces. */
export function authAnswers(server: FakeServer): void {
  const hash = "0".repeat(64);
  server.on("GET /api/v1/auth/keys", 200, [
    { key_hash: hash, name: "mail-worker", namespace: "default", role: "worker", queue_scope: "emails.*", enabled: true, created_at: "2026-01-01T00:00:00Z" },
    {
      key_hash: "1".repeat(64),
      name: "old",
      namespace: "acme",
      role: "admin",
      enabled: false,
      created_at: "2025-01-01T00:00:00Z",
      expires_at: "2027-01-01T00:00:00Z",
    },
  ]);
  server.on("POST /api/v1/auth/keys", 200, { status: "ok", api_key: "corvo_secret", key_hash: hash });
  server.on("DELETE /api/v1/auth/keys", 200, { status: "deleted" });
  server.on(`GET /api/v1/auth/keys/${hash}/roles`, 200, { key_hash: hash, roles: ["pauser"] });
  server.on(`POST /api/v1/auth/keys/${hash}/roles`, 200, { status: "ok" });
  server.on(`DELETE /api/v1/auth/keys/${hash}/roles/pauser`, 200, { status: "deleted" });
  server.on("GET /api/v1/auth/roles", 200, [
    { name: "pauser", permissions: [{ resource: "queues", actions: ["pause", "resume"] }], created_at: "2026-01-01T00:00:00Z" },
  ]);
  server.on("POST /api/v1/auth/roles", 200, { status: "ok" });
  server.on("DELETE /api/v1/auth/roles/pauser", 200, { status: "deleted" });
  server.on("GET /api/v1/namespaces", 200, [
    { name: "acme", created_at: "2026-01-01T00:00:00Z", rate_limit: { write_rps: 100 } },
    { name: "default", created_at: "1970-01-01T00:00:00Z" },
  ]);
  server.on("POST /api/v1/namespaces", 201, { name: "acme", status: "created" });
  server.on("DELETE /api/v1/namespaces/acme", 200, { status: "deleted" });
  server.on("GET /api/v1/namespaces/acme/rate-limit", 200, { using_defaults: false, write_rps: 100 });
  server.on("PUT /api/v1/namespaces/acme/rate-limit", 200, { status: "updated" });
  server.on("GET /api/v1/auth/status", 200, { admin_password_set: false, open: false });
  server.on("GET /api/v1/auth/whoami", 200, {
    principal: "ada",
    credential: "key",
    role: "operator",
    roles: ["pauser"],
    namespace: "acme",
    queue_scope: "emails.*",
    open: false,
    capabilities: [
      { method: "/corvo.v1.JobService/CancelJob", rest: "POST /api/v1/jobs/{job_id}/cancel", permission: "jobs:cancel", allowed: true },
      { method: "/corvo.v1.AuthService/SetApiKey", rest: "POST /api/v1/auth/keys", permission: "auth:write", allowed: false },
      ...["jobs:read", "jobs:retry", "queues:read", "queues:pause", "queues:resume"].map((permission) => ({
        method: `/x/${permission}`,
        permission,
        allowed: true,
      })),
    ],
  });
  server.on("GET /api/v1/audit-logs", 200, {
    audit_logs: [
      {
        id: 7,
        namespace: "default",
        principal: "ada",
        role: "operator",
        method: "POST",
        path: "/api/v1/queues/emails.send/pause",
        status_code: 200,
        created_at: "2026-01-01T11:00:00.000Z",
      },
    ],
    total: 1,
    limit: 100,
    offset: 0,
  });
}
