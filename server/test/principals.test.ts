import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { ScheduleService } from "@corvo/gen/corvo/v1/schedule_pb.js";
import { beforeAll, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";

let server: TestServer;
let ada: Record<string, string>;
const admin = { "x-api-key": "secret" };
beforeAll(async () => {
  server = await serve({ "admin-password": "secret" });
  ada = { "x-api-key": (await server.rest.post("auth/keys", { name: "ada", role: "operator" }, admin)).json.api_key };
});

type Event = { type: string; job_id?: string; actor?: string; data?: { schedule?: string } };
const events = async (type: string): Promise<Event[]> =>
  (await server.rest.get("cluster/events?limit=1000", admin)).json.events.filter((event: Event) => event.type === type);
const audited = async (path: string): Promise<string[]> =>
  (await server.rest.get("audit-logs?limit=1000", admin)).json.audit_logs
    .filter((row: { path: string }) => row.path === path)
    .map((row: { principal: string }) => row.principal);

it("what a bulk operation does in the background is done for who asked", async () => {
  const { json } = await server.rest.post("enqueue/batch", { jobs: Array.from({ length: 5 }, () => ({ queue: "who" })) }, admin);
  const begun = await server.rest.post("jobs/bulk", { action: "cancel", job_ids: json.job_ids, async: true }, ada);
  const task = async () => (await server.rest.get(`bulk/${begun.json.bulk_operation_id}`, admin)).json;
  await expect.poll(async () => (await task()).status, { timeout: 20_000 }).toBe("completed");
  expect((await task()).principal).toBe("ada");
  expect((await events("cancelled")).map(({ job_id, actor }) => [job_id, actor])).toEqual(json.job_ids.map((id: string) => [id, "ada"]));
  expect(await audited("/api/v1/jobs/bulk")).toEqual(["ada"]);
});

it("what the slots of a schedule add is added for who put it, whatever the request says", async () => {
  const transport = createConnectTransport({
    baseUrl: server.url,
    httpVersion: "2",
    interceptors: [
      (next) => (request) => {
        request.header.set("x-api-key", ada["x-api-key"]);
        return next(request);
      },
    ],
  });
  const schedules = createClient(ScheduleService, transport);
  await schedules.putSchedule({ name: "each", cron: "@every 1s", job: { queue: "slots" }, principal: "mallory" });
  expect((await schedules.getSchedule({ name: "each" })).schedule?.principal).toBe("ada");
  await expect.poll(async () => (await events("schedule_fired")).length, { timeout: 20_000 }).toBeGreaterThan(0);
  const [fired] = await events("schedule_fired");
  expect([fired.data?.schedule, fired.actor]).toEqual(["each", "ada"]);
  expect((await events("enqueued")).find(({ job_id }) => job_id === fired.job_id)?.actor).toBe("ada");
  // By hand it is done for who asks now.
  const run = await server.rest.post("schedules/each/run", {}, admin);
  expect((await events("schedule_fired")).find(({ job_id }) => job_id === run.json.job_id)?.actor).toBe("admin");
  // What another puts is the other's; a pause in between is nobody's slot.
  await server.rest.call("PUT", "schedules/each", { cron: "@every 1h", job: { queue: "slots" } }, admin);
  expect((await server.rest.get("schedules/each", admin)).json.principal).toBe("admin");
});

it("a namespace that must exist and does not is refused, and nothing comes into being", async () => {
  const wants = (namespace: string, must = true) => ({ ...admin, "x-corvo-namespace": namespace, ...(must ? { "x-corvo-namespace-must-exist": "1" } : {}) });
  const none = await server.rest.post("enqueue", { queue: "q" }, wants("acmee"));
  expect([none.status, none.json]).toEqual([404, { error: 'namespace "acmee" not found', code: "NOT_FOUND", field: "namespace" }]);
  expect((await server.rest.get("metrics", wants("acmee"))).status).toBe(404);
  expect((await server.rest.get("queues", admin)).json.some(({ name }: { name: string }) => name.startsWith("acmee"))).toBe(false);
  // Clients of v0.3 use one that nobody created; from then on it is there.
  expect((await server.rest.post("enqueue", { queue: "q" }, wants("acmee", false))).status).toBe(201);
  expect((await server.rest.get("queues", wants("acmee"))).json).toHaveLength(1);
  // One that was created, one that has a key, and creating itself.
  expect((await server.rest.post("namespaces", { name: "made" }, wants("made"))).status).toBe(201);
  expect((await server.rest.get("queues", wants("made"))).json).toEqual([]);
  const slip = await server.rest.post("auth/keys", { name: "k", namespace: "keyedd" }, wants("default"));
  expect([slip.status, slip.json]).toEqual([404, { error: 'namespace "keyedd" not found', code: "NOT_FOUND", field: "namespace" }]);
  await server.rest.post("auth/keys", { name: "k", namespace: "keyed" }, admin);
  expect((await server.rest.post("auth/keys", { name: "l", namespace: "keyed" }, wants("default"))).status).toBe(200);
  expect((await server.rest.get("queues", wants("keyed"))).status).toBe(200);
  expect((await server.rest.get("queues", wants("default"))).status).toBe(200);
});
