import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";

const password = "open sesame";
let server: TestServer;

interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: JSON of the server
  json: any;
  headers: Headers;
}

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}, url = server.url): Promise<Answer> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = text;
  }
  return { status: response.status, json, headers: response.headers };
}

const admin = { "X-API-Key": password };
const as = (key: string): Record<string, string> => ({ "X-API-Key": key });

async function newKey(body: Record<string, unknown>, url = server.url, headers: Record<string, string> = admin): Promise<string> {
  const answer = await call("POST", "/auth/keys", body, headers, url);
  expect([answer.status, answer.json.status]).toEqual([200, "ok"]);
  return answer.json.api_key;
}

beforeAll(async () => {
  server = await serve({ "admin-password": password });
});

describe("credentials", () => {
  it("a missing, a wrong and an expired one are told apart", async () => {
    expect(await call("GET", "/queues")).toMatchObject({ status: 401, json: { code: "UNAUTHORIZED", error: "missing API key" } });
    expect(await call("GET", "/queues", undefined, as("nonsense"))).toMatchObject({ status: 401, json: { code: "UNAUTHORIZED", error: "invalid API key" } });
    const key = await newKey({ name: "short", role: "readonly", expires_at: "2001-01-01T00:00:00Z" });
    expect(await call("GET", "/queues", undefined, as(key))).toMatchObject({ status: 401, json: { error: "expired API key" } });
  });

  it("come as X-API-Key, as a bearer token or as a cookie", async () => {
    const key = await newKey({ name: "reader" });
    for (const headers of [{ "X-API-Key": key }, { Authorization: `Bearer ${key}` }, { Cookie: `a=b; corvo_api_key=${key}` }]) {
      expect((await call("GET", "/queues", undefined, headers as Record<string, string>)).status).toBe(200);
    }
  });

  it("nobody is asked at /api/v1/info and at the probes; unknown paths under the API ask first", async () => {
    expect((await call("GET", "/info")).status).toBe(200);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect((await call("GET", "/nothing")).status).toBe(401);
    expect((await call("GET", "/nothing", undefined, admin)).status).toBe(404);
    expect((await call("GET", "/metrics")).status).toBe(401);
    expect((await call("GET", "/metrics", undefined, admin)).status).toBe(200);
  });

  it("the key is shown once, and the list holds its hash only", async () => {
    const key = await newKey({ name: "once", role: "worker", queue_scope: "a*", expires_at: "2999-01-01T00:00:00Z" });
    const { json } = await call("GET", "/auth/keys", undefined, admin);
    const row = json.find((one: { name: string }) => one.name === "once");
    expect(row).toMatchObject({ namespace: "default", role: "worker", queue_scope: "a*", enabled: true, expires_at: "2999-01-01T00:00:00Z" });
    expect(row.key_hash).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(json)).not.toContain(key);
    expect((await call("DELETE", "/auth/keys", { key_hash: row.key_hash }, admin)).json).toEqual({ status: "deleted" });
    expect((await call("POST", "/fetch", { queues: ["a"], timeout: 1 }, as(key))).status).toBe(401);
    expect((await call("DELETE", "/auth/keys", { key_hash: row.key_hash }, admin)).json).toEqual({ status: "deleted" });
  });

  it("validation speaks Corvo's words", async () => {
    expect(await call("POST", "/auth/keys", {}, admin)).toMatchObject({ status: 400, json: { code: "AUTH_ERROR", error: "name is required" } });
    expect(await call("POST", "/auth/keys", { name: "x", expires_at: "tomorrow" }, admin)).toMatchObject({
      status: 400,
      json: { code: "AUTH_ERROR", error: "expires_at must be RFC3339 timestamp" },
    });
  });

  it("a request that is sent again gets the same key", async () => {
    const one = await call("POST", "/auth/keys", { name: "again" }, { ...admin, "Idempotency-Key": "k1" });
    const two = await call("POST", "/auth/keys", { name: "again" }, { ...admin, "Idempotency-Key": "k1" });
    expect(two.json).toEqual(one.json);
  });

  it("the same key given again is changed, a disabled one refused", async () => {
    await newKey({ name: "given", key: "my-own-key-0123456789", role: "worker" });
    expect((await call("POST", "/enqueue", { queue: "q" }, as("my-own-key-0123456789"))).status).toBe(201);
    await newKey({ name: "given", key: "my-own-key-0123456789", role: "readonly" });
    expect((await call("POST", "/enqueue", { queue: "q" }, as("my-own-key-0123456789"))).status).toBe(403);
    await newKey({ name: "given", key: "my-own-key-0123456789", role: "worker", enabled: false });
    expect((await call("POST", "/enqueue", { queue: "q" }, as("my-own-key-0123456789"))).status).toBe(401);
  });
});

describe("an open server", () => {
  it("says so, closes with the first key and stays closed, also when it starts again", async () => {
    const open = await serve();
    expect(open.lines.some((line) => line.includes("THE SERVER IS OPEN"))).toBe(true);
    expect((await call("GET", "/auth/status", undefined, {}, open.url)).json).toEqual({ admin_password_set: false, open: true });
    expect((await call("GET", "/queues", undefined, as("whatever"), open.url)).status).toBe(200);
    const weak = { name: "w", key: "a-weak-key-of-my-own", role: "worker" };
    const refused = await call("POST", "/auth/keys", weak, {}, open.url);
    expect(refused).toMatchObject({
      status: 400,
      json: { code: "AUTH_ERROR", error: expect.stringMatching(/so role must be "admin": make a key of an admin/) },
    });
    expect((await call("POST", "/auth/keys?validate_only=true", weak, {}, open.url)).json).toEqual(refused.json);
    // One that is disabled closes nothing; to enable it first would.
    await newKey({ ...weak, enabled: false }, open.url, {});
    expect((await call("POST", "/auth/keys", weak, {}, open.url)).json).toEqual(refused.json);
    const inAcme = await call("POST", "/auth/keys", { name: "n", role: "admin" }, { "X-Corvo-Namespace": "acme" }, open.url);
    expect(inAcme).toMatchObject({ status: 400, json: { error: expect.stringContaining('namespace must be "default"') } });
    const key = await newKey({ name: "first", role: "admin" }, open.url, {});
    expect((await call("GET", "/queues", undefined, {}, open.url)).status).toBe(401);
    expect((await call("POST", "/auth/keys", weak, as(key), open.url)).status).toBe(200);
    expect((await call("GET", "/auth/status", undefined, as(key), open.url)).json).toEqual({ admin_password_set: false, open: false });
    const keys = (await call("GET", "/auth/keys", undefined, as(key), open.url)).json as { name: string; key_hash: string }[];
    const key_hash = keys.find(({ name }) => name === "first")?.key_hash;
    expect((await call("DELETE", "/auth/keys", { key_hash }, as(key), open.url)).status).toBe(200);
    for (const headers of [{}, as(key)]) expect((await call("GET", "/queues", undefined, headers, open.url)).status).toBe(401);
    await open.stop();
    const again = await serve({}, open.dir);
    expect((await call("GET", "/queues", undefined, {}, again.url)).status).toBe(401);
    await again.stop();
    const withPassword = await serve({ "admin-password": "way in" }, open.dir);
    expect((await call("GET", "/queues", undefined, as("way in"), withPassword.url)).status).toBe(200);
  });
});

describe("roles", () => {
  it("a custom role grants by resource and action, and is taken away again", async () => {
    expect(await call("POST", "/auth/roles", { name: "pauser", permissions: [{ resource: "queues", actions: ["pause", "resume"] }] }, admin)).toMatchObject({
      status: 200,
      json: { status: "ok" },
    });
    const key = await newKey({ name: "p", role: "pauser" });
    expect((await call("POST", "/queues/x/pause", {}, as(key))).json).toEqual({ status: "paused" });
    expect((await call("POST", "/queues/x/clear", {}, as(key))).status).toBe(403);
    expect((await call("GET", "/queues", undefined, as(key))).status).toBe(403);
    const { key_hash } = (await call("GET", "/auth/keys", undefined, admin)).json.find((one: { name: string }) => one.name === "p");
    await call("POST", "/auth/roles", { name: "looker", permissions: [{ resource: "q*", actions: ["read"] }] }, admin);
    expect((await call("POST", `/auth/keys/${key_hash}/roles`, { role: "looker" }, admin)).json).toEqual({ status: "ok" });
    expect((await call("GET", `/auth/keys/${key_hash}/roles`, undefined, admin)).json).toEqual({ key_hash, roles: ["looker"] });
    expect((await call("GET", "/queues", undefined, as(key))).status).toBe(200);
    expect((await call("GET", "/auth/roles", undefined, admin)).json.map((one: { name: string }) => one.name)).toEqual(["looker", "pauser"]);
    expect((await call("DELETE", `/auth/keys/${key_hash}/roles/looker`, undefined, admin)).json).toEqual({ status: "deleted" });
    expect((await call("GET", "/queues", undefined, as(key))).status).toBe(403);
    await call("POST", `/auth/keys/${key_hash}/roles`, { role: "looker" }, admin);
    expect((await call("DELETE", "/auth/roles/looker", undefined, admin)).json).toEqual({ status: "deleted" });
    expect((await call("GET", "/queues", undefined, as(key))).status).toBe(403);
    expect(await call("POST", `/auth/keys/${key_hash}/roles`, { role: "looker" }, admin)).toMatchObject({ status: 400, json: { code: "AUTH_ERROR" } });
  });

  it("nobody grants what they may not do", async () => {
    const operator = await newKey({ name: "op", role: "operator" });
    expect((await call("POST", "/auth/roles", { name: "fine", permissions: [{ resource: "jobs", actions: ["*"] }] }, as(operator))).status).toBe(200);
    const wide = await call("POST", "/auth/roles", { name: "wide", permissions: [{ resource: "*", actions: ["write"] }] }, as(operator));
    expect(wide).toMatchObject({ status: 403, json: { code: "FORBIDDEN", error: expect.stringMatching(/^you may not grant /) } });
    await call("POST", "/auth/roles", { name: "keymaker", permissions: [{ resource: "auth", actions: ["*"] }] }, admin);
    const maker = await newKey({ name: "km", role: "keymaker" });
    expect((await call("POST", "/auth/keys", { name: "n", role: "admin" }, as(maker))).status).toBe(403);
    expect((await call("POST", "/auth/keys", { name: "n", role: "keymaker" }, as(maker))).status).toBe(200);
  });

  it("whoami says what may be called, and is right", async () => {
    const key = await newKey({ name: "w", role: "worker", queue_scope: "jobs.*" });
    const { json } = await call("GET", "/auth/whoami", undefined, as(key));
    expect(json).toMatchObject({ principal: "w", credential: "key", role: "worker", namespace: "default", queue_scope: "jobs.*", open: false });
    const may = (method: string): boolean => json.capabilities.find((one: { method: string }) => one.method === `/corvo.v1.${method}`).allowed;
    expect([may("WorkerService/Enqueue"), may("JobService/GetJob"), may("JobService/CancelJob"), may("AuthService/SetApiKey")]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe("queue scopes", () => {
  it("hold for requests, jobs and lists", async () => {
    const key = await newKey({ name: "scoped", role: "operator", queue_scope: "mail.*,news" });
    expect((await call("POST", "/enqueue", { queue: "mail.a" }, as(key))).status).toBe(201);
    expect(await call("POST", "/enqueue", { queue: "other" }, as(key))).toMatchObject({ status: 403, json: { code: "FORBIDDEN" } });
    expect((await call("POST", "/enqueue/batch", { jobs: [{ queue: "news" }, { queue: "other" }] }, as(key))).status).toBe(403);
    expect((await call("POST", "/fetch", { queues: ["mail.a", "other"], timeout: 1 }, as(key))).status).toBe(403);
    const other = (await call("POST", "/enqueue", { queue: "other" }, admin)).json.job_id;
    expect((await call("GET", `/jobs/${other}`, undefined, as(key))).json).toEqual((await call("GET", `/jobs/${other}`, undefined, as(key))).json);
    expect(await call("GET", `/jobs/${other}`, undefined, as(key))).toMatchObject({ status: 404, json: { error: `job "${other}" not found` } });
    expect((await call("POST", `/jobs/${other}/cancel`, {}, as(key))).json).toMatchObject({ error: `job "${other}" not found` });
    expect((await call("GET", "/queues", undefined, as(key))).json.map((one: { name: string }) => one.name)).toEqual(["mail.a"]);
    expect((await call("GET", "/metrics", undefined, as(key))).status).toBe(403);
    expect((await call("POST", "/namespaces", { name: "n1" }, as(key))).status).toBe(403);
  });
});

describe("namespaces", () => {
  let acme: string;
  let umbrella: string;
  beforeAll(async () => {
    acme = await newKey({ name: "acme", role: "admin", namespace: "acme" });
    umbrella = await newKey({ name: "umbrella", role: "admin", namespace: "umbrella" });
  });

  it("queues have their plain names inside and their full ones outside", async () => {
    const { json } = await call("POST", "/enqueue", { queue: "work", payload: { queue: "as it is" } }, as(acme));
    const job = (await call("GET", `/jobs/${json.job_id}`, undefined, as(acme))).json;
    expect([job.queue, job.payload]).toEqual(["work", { queue: "as it is" }]);
    expect((await call("GET", `/jobs/${json.job_id}`, undefined, admin)).json.queue).toBe("acme::work");
    expect((await call("GET", `/jobs/${json.job_id}`, undefined, { ...admin, "X-Corvo-Namespace": "acme" })).json.queue).toBe("work");
    expect((await call("GET", "/queues", undefined, as(acme))).json.map((one: { name: string }) => one.name)).toEqual(["work"]);
    expect((await call("GET", "/queues", undefined, as(umbrella))).json).toEqual([]);
    const fetched = (await call("POST", "/fetch", { queues: ["work"], worker_id: "w", timeout: 1 }, as(acme))).json;
    expect([fetched.job_id, fetched.queue]).toEqual([json.job_id, "work"]);
  });

  it("jobs of others are not found, like jobs that never were, on every route", async () => {
    const id = (await call("POST", "/enqueue", { queue: "secret" }, as(acme))).json.job_id;
    const done = (await call("POST", "/enqueue", { queue: "done" }, as(acme))).json.job_id;
    await call("POST", "/fetch", { queues: ["done"], timeout: 1 }, as(acme));
    await call("POST", `/ack/${done}`, {}, as(acme));
    const reader = await newKey({ name: "outside", role: "operator" });
    const never = "job_18a2b3c4d5e6f7080000000001";
    for (const key of [umbrella, reader]) {
      for (const job of [id, done]) {
        for (const [method, path, body] of [
          ["GET", "/jobs/ID"],
          ["POST", "/ack/ID", {}],
          ["POST", "/fail/ID", { error: "x" }],
          ["POST", "/jobs/ID/cancel", {}],
          ["POST", "/jobs/ID/retry", {}],
          ["POST", "/jobs/ID/hold", {}],
          ["POST", "/jobs/ID/approve", {}],
          ["POST", "/jobs/ID/reject", {}],
          ["POST", "/jobs/ID/move", { queue: "mine" }],
          ["DELETE", "/jobs/ID"],
          ["POST", "/jobs/bulk-get", { job_ids: ["ID"] }],
          ["POST", "/ack/batch", { acks: [{ job_id: "ID" }] }],
          ["POST", "/heartbeat", { jobs: { ID: {} } }],
        ] as const) {
          const ask = async (which: string): Promise<unknown> => {
            const text = (value: unknown): string => JSON.stringify(value).replaceAll("ID", which);
            const answer = await call(method, path.replace("ID", which), body === undefined ? undefined : JSON.parse(text(body)), as(key));
            return [answer.status, JSON.stringify(answer.json).replaceAll(which, "ID")];
          };
          expect([path, await ask(job)]).toEqual([path, await ask(never)]);
        }
      }
    }
    expect((await call("GET", `/jobs/${id}`, undefined, as(acme))).json.state).toBe("pending");
    expect((await call("GET", `/jobs/${done}`, undefined, as(acme))).json.state).toBe("completed");
  });

  it("a full name of another namespace is a queue of one's own, or refused in default", async () => {
    const { json } = await call("POST", "/enqueue", { queue: "acme::work" }, as(umbrella));
    expect((await call("GET", `/jobs/${json.job_id}`, undefined, admin)).json.queue).toBe("umbrella::acme::work");
    const worker = await newKey({ name: "dw", role: "worker" });
    expect((await call("POST", "/enqueue", { queue: "acme::work" }, as(worker))).status).toBe(403);
  });

  it("the header is for those who may choose", async () => {
    expect(await call("GET", "/queues", undefined, { ...as(acme), "X-Corvo-Namespace": "umbrella" })).toMatchObject({ status: 403 });
    expect((await call("GET", "/queues", undefined, { ...as(acme), "X-Corvo-Namespace": "acme" })).status).toBe(200);
    expect((await call("GET", "/queues", undefined, { ...admin, "X-Corvo-Namespace": "No Such!" })).status).toBe(400);
  });

  it("keys of a namespace are its own, and its admin stays inside", async () => {
    const made = await newKey({ name: "inner" }, server.url, as(acme));
    expect((await call("GET", "/auth/whoami", undefined, as(made))).json.namespace).toBe("acme");
    expect((await call("GET", "/auth/keys", undefined, as(acme))).json.map((one: { name: string }) => one.name)).toEqual(["inner", "acme"]);
    expect((await call("POST", "/auth/keys", { name: "x", namespace: "umbrella" }, as(acme))).status).toBe(403);
    expect((await call("POST", "/namespaces", { name: "mine" }, as(acme))).status).toBe(403);
    const { key_hash } = (await call("GET", "/auth/keys", undefined, as(umbrella))).json[0];
    expect((await call("DELETE", "/auth/keys", { key_hash }, as(acme))).json).toEqual({ status: "deleted" });
    expect((await call("GET", "/queues", undefined, as(umbrella))).status).toBe(200);
    expect((await call("GET", "/namespaces", undefined, as(acme))).json.map((one: { name: string }) => one.name)).toEqual(["acme"]);
  });

  it("are made, listed, limited and deleted", async () => {
    expect(await call("POST", "/namespaces", { name: "team-a" }, admin)).toMatchObject({ status: 201, json: { name: "team-a", status: "created" } });
    expect(await call("POST", "/namespaces", { name: "team-a" }, admin)).toMatchObject({ status: 409, json: { code: "CONFLICT" } });
    expect((await call("POST", "/namespaces", { name: "Team" }, admin)).status).toBe(400);
    expect((await call("GET", "/namespaces/team-a/rate-limit", undefined, admin)).json).toEqual({ using_defaults: true });
    expect((await call("PUT", "/namespaces/team-a/rate-limit", { read_rps: 5, read_burst: 2 }, admin)).json).toEqual({ status: "updated" });
    expect((await call("GET", "/namespaces/team-a/rate-limit", undefined, admin)).json).toEqual({ using_defaults: false, read_rps: 5, read_burst: 2 });
    expect((await call("GET", "/namespaces", undefined, admin)).json).toContainEqual(
      expect.objectContaining({ name: "team-a", rate_limit: { read_rps: 5, read_burst: 2 } }),
    );
    expect((await call("GET", "/namespaces/nope/rate-limit", undefined, admin)).status).toBe(404);
    expect((await call("PUT", "/namespaces/nope/rate-limit", {}, admin)).status).toBe(404);
    expect((await call("PUT", "/namespaces/team-a/rate-limit", { read_rps: null, read_burst: null }, admin)).status).toBe(200);
    expect((await call("GET", "/namespaces/team-a/rate-limit", undefined, admin)).json).toEqual({ using_defaults: true });
    expect((await call("DELETE", "/namespaces/team-a", undefined, admin)).json).toEqual({ status: "deleted" });
    expect((await call("DELETE", "/namespaces/default", undefined, admin)).status).toBe(400);
  });
});

describe("rate limits", () => {
  it("hold per key and kind, with Corvo's answer over REST and retry information over RPC", async () => {
    await call("POST", "/namespaces", { name: "slow" }, admin);
    await call("PUT", "/namespaces/slow/rate-limit", { read_rps: 0.001, read_burst: 2, write_rps: 0.001, write_burst: 5 }, admin);
    const key = await newKey({ name: "slow", role: "admin", namespace: "slow" });
    for (let i = 0; i < 2; i++) expect((await call("GET", "/queues", undefined, as(key))).status).toBe(200);
    const refused = await call("GET", "/queues", undefined, as(key));
    expect([refused.status, refused.json, refused.headers.get("retry-after")]).toEqual([429, { error: "rate limit exceeded", code: "RATE_LIMITED" }, "1"]);
    expect((await call("POST", "/enqueue/batch", { jobs: [{ queue: "a" }, { queue: "a" }, { queue: "a" }] }, as(key))).status).toBe(201);
    expect((await call("POST", "/enqueue/batch", { jobs: [{ queue: "a" }, { queue: "a" }, { queue: "a" }] }, as(key))).status).toBe(429);
    const transport = createConnectTransport({ baseUrl: server.url, httpVersion: "2" });
    const worker = createClient(WorkerService, transport);
    const error = await worker.enqueueBatch({ jobs: Array.from({ length: 3 }, () => ({ queue: "a" })) }, { headers: as(key) }).catch((e) => e);
    expect([error.code, error.details.map((one: { type: string }) => one.type)]).toEqual([
      Code.ResourceExhausted,
      ["corvo.v1.ErrorDetail", "google.rpc.RetryInfo"],
    ]);
  });
});

describe("the audit log", () => {
  it("has every change with its principal, over REST and RPC, and its filters", async () => {
    const key = await newKey({ name: "auditor", role: "operator" });
    await call("POST", "/queues/audited/pause?why=test", {}, as(key));
    await call("POST", "/queues/audited/clear", {}, as(await newKey({ name: "reader2" })));
    await server.rpc.queue.resumeQueue({ name: "audited" }, { headers: as(key) });
    await call("POST", "/enqueue", { queue: "audited" }, as(key));
    const { json } = await call("GET", "/audit-logs?principal=auditor", undefined, admin);
    expect(json).toMatchObject({ total: 2, limit: 100, offset: 0 });
    expect(json.audit_logs).toMatchObject([
      { method: "POST", path: "/corvo.v1.QueueService/ResumeQueue", status_code: 200, principal: "auditor", role: "operator", namespace: "default" },
      { method: "POST", path: "/api/v1/queues/audited/pause", status_code: 200, metadata: { query: "why=test" } },
    ]);
    // What was refused for lack of permission has changed nothing, the audit log included; the server's log tells of it.
    expect((await call("GET", "/audit-logs?path_prefix=/api/v1/queues/audited/clear", undefined, admin)).json.total).toBe(0);
    expect(server.lines.some((line) => line.includes("a call was refused") && line.includes("reader2"))).toBe(true);
    expect((await call("GET", "/audit-logs?principal=auditor&limit=1&offset=1", undefined, admin)).json.audit_logs).toMatchObject([
      { path: "/api/v1/queues/audited/pause" },
    ]);
    expect((await call("GET", "/audit-logs?method=DELETE&since=2999-01-01", undefined, admin)).json).toMatchObject({ audit_logs: [], total: 0 });
  });
});

describe("a revoked key", () => {
  it("ends open streams and long polls at once", async () => {
    const key = await newKey({ name: "gone", role: "worker" });
    const reader = await newKey({ name: "gone too", role: "readonly" });
    const headers = as(key);
    let over: () => void = () => {};
    const open = new Promise<void>((resolve) => {
      over = resolve;
    });
    const frames = (async function* () {
      yield { requestId: 1n, enqueues: [{ queue: "streamed" }] };
      await open;
    })();
    const answers = server.rpc.worker.streamLifecycle(frames, { headers })[Symbol.asyncIterator]();
    expect((await answers.next()).value.enqueuedJobIds).toHaveLength(1);
    const events = server.rpc.worker.subscribe({ queues: ["streamed"], types: ["enqueued"] }, { headers: as(reader) })[Symbol.asyncIterator]();
    expect((await events.next()).value.type).toBe("enqueued");
    const poll = call("POST", "/fetch", { queues: ["never"], timeout: 30 }, headers);
    const next = [answers.next(), events.next()].map((one) =>
      one.then(
        () => "an answer",
        (error) => error.code,
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    const rows = (await call("GET", "/auth/keys", undefined, admin)).json as { name: string; key_hash: string }[];
    for (const { name, key_hash } of rows) if (name.startsWith("gone")) await call("DELETE", "/auth/keys", { key_hash }, admin);
    expect(await Promise.all(next)).toEqual([Code.Unauthenticated, Code.Unauthenticated]);
    expect(await poll).toMatchObject({ status: 401 });
    over();
    expect((await call("POST", "/enqueue", { queue: "q" }, headers)).status).toBe(401);
  });
});

describe("settings for single sign-on", () => {
  it("are kept", async () => {
    expect((await call("POST", "/settings/sso", { provider: "oidc" }, admin)).status).toBe(400);
    const body = { provider: "oidc", oidc_issuer_url: "https://id.example", oidc_client_id: "corvo", group_role_mappings: { ops: "operator" } };
    expect((await call("POST", "/settings/sso", body, admin)).json).toEqual({ status: "ok" });
    expect((await call("GET", "/settings/sso", undefined, admin)).json).toMatchObject({ ...body, saml_enabled: false });
  });
});

afterAll(() => server.stop());
