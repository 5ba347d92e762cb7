import { beforeAll, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";
import type { Rest } from "./rest.js";

let server: TestServer;
let rest: Rest;
beforeAll(async () => {
  server = await serve();
  ({ rest } = server);
});

/** Everything that a caller can see. */
const seen = async (): Promise<unknown> => [
  (await rest.get("queues")).json,
  (await rest.get("workers")).json,
  (await rest.get("cluster/status")).json.live_jobs,
];

it("says what would be refused, changes nothing, and can be said in body and query", async () => {
  const id = await rest.add("kept", { unique_key: "k" });
  const held = await rest.add("kept");
  await rest.post(`jobs/${held}/hold`);
  const before = await seen();
  const asks: [method: string, path: string, body: unknown, status: number, reason?: string][] = [
    ["POST", "enqueue", { queue: "new", validate_only: true }, 201],
    ["POST", "enqueue?validate_only=true", { queue: "new" }, 201],
    ["POST", "enqueue?validate_only", { queue: "new", payload: { deep: [1] }, request_id: "once" }, 201],
    ["POST", "enqueue?validate_only=true", {}, 400],
    ["POST", "enqueue/batch", { jobs: [{ queue: "a" }, { queue: "b" }], validate_only: true }, 201],
    ["POST", "enqueue/batch", { jobs: [{ queue: "a", validate_only: true }] }, 400],
    ["POST", "webhooks/new?validate_only=true", "text", 201],
    ["POST", "fetch", { queues: ["kept"], worker_id: "w", timeout: 30, validate_only: true }, 204],
    ["POST", "fetch/batch", { queues: ["kept"], count: 5, timeout: 30, validate_only: true }, 200],
    ["POST", `ack/${id}?validate_only=true`, undefined, 400],
    ["POST", `fail/${id}`, { error: "x", validate_only: true }, 400],
    ["POST", `jobs/${id}/hold?validate_only=true`, undefined, 200],
    ["POST", `jobs/${id}/approve?validate_only=true`, undefined, 400],
    ["POST", `jobs/${held}/approve`, { validate_only: true }, 200],
    ["POST", `jobs/${id}/move`, { queue: "elsewhere", validate_only: true }, 200],
    ["POST", `jobs/${id}/cancel?validate_only=true`, undefined, 200],
    ["DELETE", `jobs/${id}?validate_only=true`, undefined, 200],
    ["POST", "queues/kept/pause?validate_only=true", undefined, 200],
    ["POST", "queues/kept/clear", { validate_only: true }, 200],
    ["DELETE", "queues/kept?validate_only=true", undefined, 200],
    ["POST", "queues/kept/throttle", { rate: 0, window_ms: 5, validate_only: true }, 400],
    ["POST", "queues/kept/throttle", { rate: 5, window_ms: 5, validate_only: true }, 200],
  ];
  for (const [method, path, body, status] of asks) {
    const answer = await rest.call(method, path, body);
    expect(answer.status, `${method} ${path} ${JSON.stringify(body)}: ${answer.text}`).toBe(status);
    if (status < 300) expect(answer.headers["corvo-validate-only"], path).toBe("true");
  }
  expect(await seen()).toEqual(before);
  expect((await rest.job(id)).state).toBe("pending");
  expect((await rest.job(held)).state).toBe("held");
  // An id that was only looked at is not used up.
  expect((await rest.post("enqueue", { queue: "new", request_id: "once" })).status).toBe(201);
});

it("looks into the archive for finished jobs", async () => {
  const id = await rest.add("gone");
  await rest.post("fetch", { queues: ["gone"], worker_id: "w", timeout: 30 });
  await rest.post(`ack/${id}`, { result: { ok: true } });
  expect((await rest.post(`jobs/${id}/retry?validate_only=true`)).status).toBe(200);
  expect((await rest.post(`jobs/${id}/cancel?validate_only=true`)).status).toBe(400);
  expect((await rest.job(id)).state).toBe("completed");
});

it("false is as if it were not said", async () => {
  expect((await rest.post("enqueue?validate_only=false", { queue: "false" })).json.status).toBe("pending");
  expect((await rest.post("enqueue", { queue: "false", validate_only: false })).json.status).toBe("pending");
});

it("a job is given back: next in turn, not tried", async () => {
  const first = await rest.add("back");
  await rest.add("back");
  const fetched = await rest.post("fetch", { queues: ["back"], worker_id: "w", timeout: 30 });
  expect((await rest.post(`release/${first}`, { fence: fetched.json.fence + 1 })).json).toMatchObject({ code: "STALE_FENCE" });
  const answer = await rest.post(`release/${first}`, { fence: fetched.json.fence, checkpoint: { at: 2 } });
  expect([answer.status, answer.json]).toEqual([200, { status: "released" }]);
  expect(await rest.job(first)).toMatchObject({ state: "pending", attempt: 0, checkpoint: { at: 2 } });
  expect((await rest.post("fetch", { queues: ["back"], worker_id: "w", timeout: 30 })).json).toMatchObject({ job_id: first, attempt: 1 });
  expect((await rest.post("release/job_18ea0fd52f904a40ffffffffff")).status).toBe(400);
});

it("a step is whole or not at all, and safe to repeat", async () => {
  const id = await rest.add("book");
  const { fence } = (await rest.post("fetch", { queues: ["book"], worker_id: "w", timeout: 30 })).json;
  const kept = await rest.post(`jobs/${id}/step`, {
    fence,
    keep: true,
    checkpoint: { page: 1 },
    usage: { cost_usd: 0.5, model: "m" },
    jobs: [{ queue: "page" }],
  });
  expect([kept.status, kept.json]).toEqual([200, { state: "active", job_ids: [expect.stringMatching(jobId)] }]);
  expect(await rest.job(kept.json.job_ids[0])).toMatchObject({ queue: "page", parent_id: id });
  const bad = await rest.post(`jobs/${id}/step`, { fence, result: 1, jobs: [{ queue: "page" }, { queue: "" }] });
  expect([bad.status, bad.json.field]).toEqual([400, "jobs[1].queue"]);
  expect((await rest.post(`jobs/${id}/step`, { fence: fence + 1, jobs: [{ queue: "page" }] })).json.code).toBe("STALE_FENCE");
  expect(await rest.job(id)).toMatchObject({ state: "active", checkpoint: { page: 1 } });
  const body = {
    fence,
    result: { ok: true },
    jobs: [
      { queue: "page", unique_key: "k" },
      { queue: "page", unique_key: "k" },
    ],
  };
  const first = await rest.post(`jobs/${id}/step`, body, { "Idempotency-Key": "step-1" });
  expect([first.status, first.json.state, first.json.job_ids.length]).toEqual([200, "completed", 2]);
  const again = await rest.post(`jobs/${id}/step`, body, { "Idempotency-Key": "step-1" });
  expect(again.json).toEqual(first.json);
  expect((await rest.post(`jobs/${id}/step`, { ...body, result: 2 }, { "Idempotency-Key": "step-1" })).json.code).toBe("REQUEST_ID_REUSED");
  expect(await rest.job(id)).toMatchObject({ state: "completed", result: { ok: true }, checkpoint: { page: 1 }, cost_usd: 0.5 });
  const pages = (await rest.get("queues")).json.find(({ name }: { name: string }) => name === "page");
  expect(pages.pending).toBe(2);
});

const jobId = /^job_[0-9a-f]{26}$/;

it("a queue that is full refuses new jobs and says when to try again", async () => {
  expect((await rest.post("queues/full/depth", { max: 1 })).json).toEqual({ status: "ok" });
  await rest.add("full");
  const refused = await rest.post("enqueue", { queue: "full" });
  expect([refused.status, refused.json.code, refused.json.field ?? "queue"]).toEqual([429, expect.stringMatching(/OVERLOADED|QUEUE_FULL/), "queue"]);
  expect([refused.json.retry_after_ms, refused.headers["retry-after"]]).toEqual([1000, "1.000"]);
  expect((await rest.get("queues")).json.find(({ name }: { name: string }) => name === "full").max_depth).toBe(1);
  await rest.post("queues/full/depth", { max: 0 });
  await rest.add("full");
});
