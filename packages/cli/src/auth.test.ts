import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { FakeServer } from "./testing/fake-server.js";
import { runCli, type Surroundings, shellWords } from "./testing/run-cli.js";

const server = new FakeServer();
beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => server.reset());

const corvo = (line: string, around: Surroundings = {}) => runCli(shellWords(line), { ...around, env: { CORVO_SERVER: server.url, ...around.env } });
const calls = () => server.seen.map((call) => `${call.method} ${call.path}${call.body && call.body !== "{}" ? ` ${call.body}` : ""}`);

test("keys: the new one is printed alone, so that it can be kept by a script", async () => {
  const made = await corvo("keys create mail-worker --role worker --queues 'emails.*' --request-id r1");
  expect(made).toMatchObject({ code: 0, out: "corvo_secret\n", err: "" });
  const [sent] = server.seen.filter(({ method }) => method === "POST");
  expect(JSON.parse(sent.body)).toEqual({ name: "mail-worker", role: "worker", queue_scope: "emails.*" });
  expect(sent.headers["idempotency-key"]).toBe("r1");
  const { out } = await corvo("keys list");
  expect(out.split("\n")[1]).toMatch(/^mail-worker +worker +default +emails\.\* +enabled +- +- +0{64}$/);
  await corvo(`keys revoke ${"0".repeat(64)}`);
  expect(calls().at(-1)).toBe(`DELETE /api/v1/auth/keys {"key_hash":"${"0".repeat(64)}"}`);
});

test("roles: permissions are resource:action+action", async () => {
  expect((await corvo("roles set pauser --allow queues:pause+resume --allow 'jobs*:read'")).out).toBe("Role pauser set\n");
  expect(JSON.parse(server.seen.at(-1)!.body)).toEqual({
    name: "pauser",
    permissions: [
      { resource: "queues", actions: ["pause", "resume"] },
      { resource: "jobs*", actions: ["read"] },
    ],
  });
  // The server there knows jobs:cancel and auth:write.
  expect((await corvo("roles set a --allow 'jobs:write' --allow '*:cancel' --allow 'au*:write'")).err).toBe("");
  expect((await corvo("roles set a --allow jobs:cancel+cancle --allow job:cancel")).err).toBe(
    "note: no method of this server needs jobs:cancle   ·   corvo whoami --capabilities\nnote: no method of this server needs job:cancel   ·   corvo whoami --capabilities\n",
  );
  server.on("GET /api/v1/auth/whoami", 404, {});
  expect(await corvo("roles set a --allow job:cancel")).toMatchObject({ code: 0, err: "" });
  expect((await corvo("roles set pauser --allow queues")).code).toBe(2);
  expect((await corvo("roles set pauser")).code).toBe(2);
});

test("namespaces: limits are shown, set and cleared", async () => {
  expect((await corvo("namespaces limit acme")).out).toBe("write_rps=100\n");
  await corvo("namespaces limit acme --read-rps 5 --read-burst 10");
  await corvo("namespaces limit acme --clear");
  expect(calls().slice(1)).toEqual(['PUT /api/v1/namespaces/acme/rate-limit {"read_rps":5,"read_burst":10}', "PUT /api/v1/namespaces/acme/rate-limit"]);
  expect((await corvo("namespaces limit acme --read-rps many")).code).toBe(2);
});

test("whoami, auth status, audit", async () => {
  expect((await corvo("whoami --capabilities")).out.split("\n").slice(0, 3)).toEqual([
    "ada (operator, pauser) in namespace acme, queues emails.*",
    "yes  jobs:cancel  POST /api/v1/jobs/{job_id}/cancel",
    "no   auth:write  POST /api/v1/auth/keys",
  ]);
  server.on("GET /api/v1/auth/status", 200, { admin_password_set: false, open: true });
  expect((await corvo("auth status")).out).toBe("OPEN: anyone who reaches this server is admin\n");
  expect((await corvo("audit --principal ada --limit 5")).out).toContain("POST /api/v1/queues/emails.send/pause");
  expect(calls().at(-1)).toBe("GET /api/v1/audit-logs?principal=ada&limit=5");
});

test("login keeps a key that the server knows, logout forgets it", async () => {
  const files: Record<string, string> = {};
  const env = { CORVO_CONFIG_DIR: "/config" };
  const signedIn = await corvo("login --api-key k1 --as prod", { env, files });
  expect(signedIn).toMatchObject({ code: 0, out: `Signed in to ${server.url} as ada (operator); kept in context prod\n` });
  expect(server.seen[0].headers["x-api-key"]).toBe("k1");
  server.on("GET /api/v1/auth/whoami", 401, { error: "invalid API key", code: "UNAUTHORIZED" });
  expect((await corvo("login --api-key wrong", { env, files })).code).toBe(4);
  expect((await corvo("login", { env, files })).code).toBe(2);
  expect((await corvo("logout", { env, files })).code).toBe(0);
});
