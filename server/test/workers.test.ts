import { beforeAll, expect, test } from "vitest";
import { WorkerTable } from "../src/worker-table.js";
import { serve, type TestServer } from "./harness.js";

let server: TestServer;
beforeAll(async () => {
  server = await serve();
});

const facts = { worker_id: "w1", hostname: "h1", sdk: "corvo-go", sdk_version: "1.2.3", slots: 8, queues: ["mail", "sms"] };
const beat = (worker: unknown, jobs?: unknown) => server.rest.post("heartbeat", { worker, jobs });
const listed = async (id: string) => (await server.rest.get("workers")).json.find((worker: { id: string }) => worker.id === id);
const applied = async () => (await server.rest.get("cluster/status")).json.applied_index;

test("a worker that has fetched nothing is listed with what it says, and its heartbeat is no entry of the log", async () => {
  const before = await applied();
  expect(await beat(facts)).toMatchObject({ status: 200, json: { jobs: {} } });
  expect(await applied()).toBe(before);
  const { last_heartbeat, started_at, ...rest } = await listed("w1");
  expect(rest).toEqual({ id: "w1", hostname: "h1", queues: '["mail","sms"]', active: 0, sdk: "corvo-go", sdk_version: "1.2.3", slots: 8 });
  expect(Date.now() - Date.parse(last_heartbeat)).toBeLessThan(60_000);
  expect(started_at).toBe(last_heartbeat);
});

test("facts join the row of who fetched, by id and host; a heartbeat with jobs does both", async () => {
  const id = await server.rest.add("mail");
  await server.rest.take("mail"); // as w1 on h1
  expect(await listed("w1")).toMatchObject({ queues: '["mail"]', active: 1, sdk: "corvo-go" });
  const answer = await beat({ ...facts, slots: 9 }, { [id]: {} });
  expect(answer.json).toMatchObject({ jobs: { [id]: { status: "ok", lease_expires_at: expect.any(String) } } });
  expect(await listed("w1")).toMatchObject({ active: 1, slots: 9 });
  await beat({ worker_id: "w1", hostname: "another", slots: 1, queues: ["mail"] });
  expect((await server.rest.get("workers")).json.filter((worker: { id: string }) => worker.id === "w1")).toHaveLength(2);
});

test("who names no queue is not listed before it fetches: nobody knows whose it is", async () => {
  expect((await beat({ worker_id: "w2" })).status).toBe(200);
  expect(await listed("w2")).toBeUndefined();
});

test("a heartbeat that is only looked at leaves nothing", async () => {
  await server.rest.post("heartbeat?validate_only=true", { worker: { ...facts, worker_id: "w3" } });
  expect(await listed("w3")).toBeUndefined();
});

test.each([
  ["no id", { worker_id: "" }, "worker.worker_id"],
  ["a long id", { worker_id: "w".repeat(256) }, "worker.worker_id"],
  ["a long host", { hostname: "h".repeat(256) }, "worker.hostname"],
  ["a long name of the software", { sdk: "s".repeat(65) }, "worker.sdk"],
  ["a long version", { sdk_version: "1".repeat(65) }, "worker.sdk_version"],
  ["slots below zero", { slots: -1 }, "worker.slots"],
  ["slots without end", { slots: 1_000_001 }, "worker.slots"],
  ["an empty queue", { queues: [""] }, "worker.queues"],
  ["101 queues", { queues: Array(101).fill("q") }, "worker.queues"],
  ["queues of more than 4096 bytes", { queues: Array(20).fill("q".repeat(250)) }, "worker.queues"],
])("refuses %s", async (_name, wrong, field) => {
  const answer = await beat({ ...facts, ...wrong });
  expect([answer.status, answer.json.code, answer.json.field]).toEqual([400, "VALIDATION_ERROR", field]);
});

test("a namespace sees its own workers, under its own queues", async () => {
  const closed = await serve({ "admin-password": "secret" });
  const as = (namespace: string) => ({ "x-api-key": "secret", "x-corvo-namespace": namespace });
  await closed.rest.post("namespaces", { name: "acme" }, as("default"));
  await closed.rest.post("heartbeat", { worker: { worker_id: "w", hostname: "h", sdk: "ours", queues: ["mail"] } }, as("acme"));
  await closed.rest.post("heartbeat", { worker: { worker_id: "w", hostname: "h", sdk: "theirs", queues: ["mail"] } }, as("other"));
  const seen = async (namespace: string) =>
    (await closed.rest.get("workers", as(namespace))).json.map((w: { sdk: string; queues: string }) => [w.sdk, w.queues]);
  expect(await seen("acme")).toEqual([["ours", '["mail"]']]);
  expect(await seen("other")).toEqual([["theirs", '["mail"]']]);
  expect((await seen("default")).sort()).toEqual([
    ["ours", '["acme::mail"]'],
    ["theirs", '["other::mail"]'],
  ]);
});

const untilAsleep = (one: TestServer) => expect.poll(async () => (await one.rest.get("metrics")).text, { timeout: 20_000 }).toMatch(/^corvo_fetch_waiters 1$/m);

test("a quiet worker is granted nothing on any path until it is resumed, and a restart does not forget it", async () => {
  let one = await serve({ "idle-fetch-sleep": "20ms" });
  const { dir } = one;
  const order = (what: string, id = "q1") => one.rest.post(`workers/${id}/${what}`, {});
  const fetch = (worker: string, timeout = 1) => one.rest.post("fetch", { queues: ["quiet"], worker_id: worker, hostname: "h", timeout });
  const frame = async (frame: object) => {
    const all = one.rpc.worker.streamLifecycle(
      (async function* () {
        yield { queues: ["quiet"], workerId: "q1", hostname: "h", fetchCount: 1, waitMs: 50, ...frame };
      })(),
    );
    for await (const answer of all) return answer;
    throw new Error("no answer");
  };
  await one.rest.post("heartbeat", { worker: { worker_id: "q1", hostname: "h", queues: ["quiet"], capabilities: ["quiet", "stop"] } });
  const asleep = fetch("q1", 60);
  await untilAsleep(one);
  expect((await order("quiet")).json).toEqual({ status: "quiet" });
  expect((await asleep).status).toBe(204); // it would have slept for a minute
  const id = await one.rest.add("quiet");
  expect((await fetch("q1")).status).toBe(204);
  expect((await one.rest.post("fetch/batch", { queues: ["quiet"], worker_id: "q1", timeout: 1, count: 3 })).json.jobs).toEqual([]);
  expect((await frame({})).jobs).toEqual([]);
  expect((await frame({ enqueues: [{ queue: "other" }] })).enqueueOutcomes).toHaveLength(1); // the rest of a frame is done
  expect((await one.rest.post("heartbeat", { worker: { worker_id: "q1", hostname: "h", queues: ["quiet"] } })).json).toEqual({ jobs: {}, order: "quiet" });
  expect((await one.rest.get("workers")).json[0]).toMatchObject({ id: "q1", order: "quiet" });
  await one.stop();
  one = await serve({}, dir);
  expect((await fetch("q1")).status).toBe(204);
  const resting = fetch("q1", 60);
  await untilAsleep(one);
  expect((await order("resume")).json).toEqual({ status: "resumed" });
  expect((await resting).status).toBe(204);
  expect((await fetch("q1")).json.job_id).toBe(id);
  await one.stop();
});

test("a fetch that comes again gets what it was granted before the order", async () => {
  await server.rest.add("again");
  const asked = { queues: ["again"], worker_id: "again-1", timeout: 30, request_id: "r-again" };
  const granted = (await server.rest.post("fetch", asked)).json;
  await server.rest.post("workers/again-1/quiet", {});
  expect((await server.rest.post("fetch", asked)).json).toEqual(granted);
  expect((await server.rest.post("fetch", { ...asked, request_id: "r-other", timeout: 1 })).status).toBe(204);
});

test("an order is for a worker that is there, of the caller's namespace, from an operator, audited, and ends when the worker leaves", async () => {
  const closed = await serve({ "admin-password": "secret" });
  const admin = (namespace = "default") => ({ "x-api-key": "secret", "x-corvo-namespace": namespace });
  await closed.rest.post("namespaces", { name: "acme" }, admin());
  const key = async (role: string): Promise<Record<string, string>> => {
    const { json } = await closed.rest.post("auth/keys", { name: role, role }, admin());
    return { "x-api-key": json.api_key };
  };
  const say = (worker: object, as: Record<string, string>) => closed.rest.post("heartbeat", { worker: { worker_id: "w", queues: ["q"], ...worker } }, as);
  await say({}, admin("acme"));
  const order = (as: Record<string, string>, what = "stop", id = "w") => closed.rest.post(`workers/${id}/${what}`, {}, as);
  const none = await order(admin());
  expect([none.status, none.json]).toEqual([404, { error: 'worker "w" not found', code: "NOT_FOUND", field: "id" }]);
  expect((await order(await key("worker"))).status).toBe(403);
  await say({}, admin());
  expect((await order(await key("operator"))).json).toEqual({ status: "stopping" });
  expect((await say({}, admin())).json.order).toBe("stop");
  expect((await say({}, admin("acme"))).json.order).toBeUndefined();
  const rows = (await closed.rest.get("audit-logs", admin())).json.audit_logs;
  expect(rows.find((row: { path: string }) => row.path === "/api/v1/workers/w/stop")).toMatchObject({
    principal: "operator",
    method: "POST",
    status_code: 200,
  });
  expect((await closed.rest.post("workers/w/quiet?validate_only=true", {}, admin())).headers["corvo-validate-only"]).toBe("true");
  expect((await say({ leaving: true }, admin())).json.order).toBeUndefined();
  expect((await closed.rest.get("workers", admin())).json.map((w: { queues: string }) => w.queues)).toEqual(['["acme::q"]']);
  expect((await say({}, admin())).json.order).toBeUndefined();
  const long = await order(admin(), "quiet", "w".repeat(256));
  expect([long.status, long.json.field]).toEqual([400, "id"]);
});

test("the table forgets after an hour, and the longest silent one above its limit", () => {
  let nowMs = 0;
  const table = new WorkerTable(() => nowMs);
  const hear = (workerId: string) =>
    table.hear("", {
      $typeName: "corvo.v1.WorkerFacts",
      workerId,
      hostname: "",
      sdk: "",
      sdkVersion: "",
      slots: 0,
      queues: [],
      capabilities: [],
      leaving: false,
    });
  const names = () => [...table.all().values()].map(({ facts }) => facts.workerId);
  hear("a");
  nowMs = 1_800_000;
  hear("b");
  nowMs = 3_600_001;
  expect(names()).toEqual(["b"]);
  for (let i = 0; i < 9_999; i++) hear(`c${i}`);
  expect(names()[0]).toBe("b");
  hear("d");
  expect([names()[0], names().length]).toEqual(["c0", 10_000]);
});
