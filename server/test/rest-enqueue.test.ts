import { beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";
import type { Rest } from "./rest.js";

let server: TestServer;
let rest: Rest;
beforeAll(async () => {
  server = await serve();
  ({ rest } = server);
});

const jobId = /^job_[0-9a-f]{26}$/;
/** As the server writes times: trailing zeros trimmed. */
const shown = (at: string): string => at.replace(/\.?0+Z$/, "Z");
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();

describe("POST /enqueue", () => {
  it("answers 201 with the job's id and state, and the job is as it was sent", async () => {
    const answer = await rest.post("enqueue", { queue: "one", payload: { n: 1.5 } });
    expect(answer.status).toBe(201);
    const { job_id: id } = answer.json;
    expect(id).toMatch(jobId);
    expect(answer.json).toEqual({ job_id: id, status: "pending", unique_existing: false, job: { id, queue: "one", state: "pending" } });
    expect(await rest.job(answer.json.job_id)).toEqual({
      id: answer.json.job_id,
      queue: "one",
      state: "pending",
      payload: { n: 1.5 },
      priority: 2,
      attempt: 0,
      max_retries: 3,
      retry_backoff: "exponential",
      retry_base_delay_ms: 5000,
      retry_max_delay_ms: 600_000,
      created_at: expect.stringMatching(/^20\d\d-.*Z$/),
    });
  });

  it("keeps every option", async () => {
    const id = await rest.add("options", {
      payload: [1],
      checkpoint: { at: 3 },
      priority: "high",
      unique_key: "k",
      unique_period: 60,
      max_retries: 7,
      retry_backoff: "linear",
      retry_base_delay: "1m30s",
      retry_max_delay: "0s",
      expire_after: "24h",
      tags: { customer: "acme" },
      parent_id: "some-parent",
      agent: { max_iterations: 4, max_cost_usd: 2.5, iteration_timeout: "2m" },
    });
    const job = await rest.job(id);
    expect(job).toMatchObject({
      payload: [1],
      checkpoint: { at: 3 },
      priority: 1,
      unique_key: "k",
      max_retries: 7,
      retry_backoff: "linear",
      retry_base_delay_ms: 90_000,
      retry_max_delay_ms: 0,
      tags: { customer: "acme" },
      parent_id: "some-parent",
      agent: { max_iterations: 4, max_cost_usd: 2.5, iteration_timeout: "2m", iteration: 1 },
    });
    expect(Date.parse(job.expire_at) - Date.parse(job.created_at)).toBe(86_400_000);
  });

  it("takes what v0.3 took: names in any case, unknown fields, low priority, empty durations, null retries", async () => {
    const id = await rest.add("lenient", { Payload: null, MAX_RETRIES: null, unheard_of: [1], priority: "low", retry_base_delay: "", retry_max_delay: "" });
    expect(await rest.job(id)).toMatchObject({ payload: null, max_retries: 3, priority: 2, retry_base_delay_ms: 5000, retry_max_delay_ms: 600_000 });
  });

  it.each([
    ["no queue", { payload: 1 }, "VALIDATION_ERROR", "queue is required", "queue"],
    ["an empty queue", { queue: "" }, "VALIDATION_ERROR", "queue is required", "queue"],
    ["a duration without unit", { queue: "q", retry_base_delay: "90" }, "VALIDATION_ERROR", /^invalid retry_base_delay/, "retry_base_delay"],
    ["a queue name of 256 bytes", { queue: "q".repeat(256) }, "VALIDATION_ERROR", /queue too long: 256 bytes/, "queue"],
    ["a time that is none", { queue: "q", scheduled_at: "tomorrow" }, "PARSE_ERROR", /^invalid JSON: scheduled_at must be a time/, "scheduled_at"],
    ["a number as queue", { queue: 5 }, "PARSE_ERROR", "invalid JSON: queue must be a string", "queue"],
  ])("refuses %s and names the field", async (_name, body, code, error, field) => {
    const answer = await rest.post("enqueue", body);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ code, field });
    expect(answer.json.error).toEqual(typeof error === "string" ? error : expect.stringMatching(error));
  });

  it.each([["{"], ["[]"], ['"text"'], [""], ["nul"], ['{"queue":"q"']])("answers %j with PARSE_ERROR", async (body) => {
    const answer = await rest.post("enqueue", body);
    expect([answer.status, answer.json.code, answer.json.error]).toEqual([400, "PARSE_ERROR", expect.stringMatching(/^invalid JSON/)]);
  });

  it("ignores the content type and what stands behind the first value", async () => {
    const answer = await rest.post("enqueue", '{"queue":"one"} and more', { "content-type": "text/html" });
    expect(answer.status).toBe(201);
  });

  it("a duplicate of a unique key is 200 with the first job's id, until that job completes", async () => {
    const id = await rest.add("unique", { unique_key: "only" });
    const again = await rest.post("enqueue", { queue: "unique", unique_key: "only" });
    expect([again.status, again.json]).toEqual([200, { job_id: id, status: "duplicate", unique_existing: true, unique_job_id: id }]);
    expect((await rest.post("enqueue", { queue: "another", unique_key: "only" })).status).toBe(201);
    await rest.take("unique");
    await rest.post(`ack/${id}`);
    expect((await rest.post("enqueue", { queue: "unique", unique_key: "only" })).status).toBe(201);
  });

  it("the job in the answer is called as its caller calls it, and not there when it was only looked at", async () => {
    const acme = { "x-corvo-namespace": "acme" };
    const long = "q".repeat(200);
    expect((await rest.post("enqueue", { queue: long, scheduled_at: inMs(3_600_000) }, acme)).json.job).toMatchObject({ queue: long, state: "scheduled" });
    expect((await rest.post("enqueue?validate_only=true", { queue: "one" })).json.job).toBeUndefined();
  });

  it("the same Idempotency-Key adds one job; with another body it is refused", async () => {
    const key = { "Idempotency-Key": "order-17" };
    const first = await rest.post("enqueue", { queue: "safe", payload: 1 }, key);
    const second = await rest.post("enqueue", { queue: "safe", payload: 1 }, key);
    expect([second.status, second.json]).toEqual([201, first.json]);
    const other = await rest.post("enqueue", { queue: "safe", payload: 2 }, key);
    expect([other.status, other.json.code]).toEqual([409, "REQUEST_ID_REUSED"]);
    expect((await rest.get("queues")).json.find((q: { name: string }) => q.name === "safe").enqueued).toBe(1);
  });

  it("a job for later is scheduled, and comes when it is due, not before", async () => {
    const at = inMs(300);
    const answer = await rest.post("enqueue", { queue: "later", scheduled_at: at });
    expect([answer.status, answer.json.status]).toEqual([201, "scheduled"]);
    expect(await rest.job(answer.json.job_id)).toMatchObject({ state: "scheduled", scheduled_at: shown(at) });
    await rest.take("later", 5);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(at));
    expect((await rest.job(answer.json.job_id)).scheduled_at).toBeUndefined();
  });
});

describe("POST /enqueue/batch", () => {
  it("answers the ids in order, in one commit", async () => {
    const answer = await rest.post("enqueue/batch", {
      jobs: [
        { queue: "b1", payload: 1 },
        { queue: "b2", payload: 2, priority: "critical" },
      ],
    });
    expect(answer.status).toBe(201);
    expect(Object.keys(answer.json)).toEqual(["job_ids"]);
    expect(await rest.job(answer.json.job_ids[0])).toMatchObject({ queue: "b1", payload: 1 });
    expect(await rest.job(answer.json.job_ids[1])).toMatchObject({ queue: "b2", payload: 2, priority: 0 });
  });

  it("honours unique keys and times per job", async () => {
    const { json } = await rest.post("enqueue/batch", {
      jobs: [
        { queue: "b3", unique_key: "k" },
        { queue: "b3", unique_key: "k" },
        { queue: "b3", scheduled_at: inMs(3_600_000) },
      ],
    });
    expect(json.job_ids[1]).toBe(json.job_ids[0]);
    expect((await rest.job(json.job_ids[2])).state).toBe("scheduled");
  });

  it.each([
    ["no jobs", {}, "VALIDATION_ERROR", "jobs array is required"],
    ["an empty list", { jobs: [] }, "VALIDATION_ERROR", "jobs array is required"],
    ["a job without queue", { jobs: [{ queue: "b4" }, { payload: 1 }] }, "VALIDATION_ERROR", "queue is required for each job"],
    ["an item that is no object", { jobs: [7] }, "PARSE_ERROR", "invalid JSON: jobs[0] must be an object"],
  ])("refuses %s as a whole", async (_name, body, code, error) => {
    const answer = await rest.post("enqueue/batch", body);
    expect([answer.status, answer.json.code, answer.json.error]).toEqual([400, code, error]);
    expect((await rest.get("queues")).json.some((q: { name: string }) => q.name === "b4")).toBe(false);
  });

  it("a batch with an Idempotency-Key is added once", async () => {
    const key = { "idempotency-key": "batch-1" };
    const body = { jobs: [{ queue: "b5" }, { queue: "b5" }] };
    const first = await rest.post("enqueue/batch", body, key);
    expect((await rest.post("enqueue/batch", body, key)).json).toEqual(first.json);
    expect((await rest.get("queues")).json.find((q: { name: string }) => q.name === "b5").enqueued).toBe(2);
  });
});

describe("POST /webhooks/{queue}", () => {
  it.each([
    ['{"zen": "Keep it logically awesome."}', { zen: "Keep it logically awesome." }],
    ["", {}],
    ["plain text", "plain text"],
    ["é\n", "é\n"],
  ])("takes the body %j as payload", async (body, payload) => {
    const answer = await rest.post("webhooks/hooks", body);
    expect([answer.status, answer.json.status]).toEqual([201, "pending"]);
    expect((await rest.job(answer.json.job_id)).payload).toEqual(payload);
  });

  it("reads its options from the query", async () => {
    const at = inMs(3_600_000);
    const path = `webhooks/hooks?priority=critical&unique_key=u1&max_retries=9&tags=a:b,c:d&scheduled_at=${encodeURIComponent(at)}`;
    const answer = await rest.post(path, "1");
    expect([answer.status, answer.json.status]).toEqual([201, "scheduled"]);
    expect(await rest.job(answer.json.job_id)).toMatchObject({
      priority: 0,
      unique_key: "u1",
      max_retries: 9,
      tags: { a: "b", c: "d" },
      scheduled_at: shown(at),
    });
    const again = await rest.post(path, "1");
    expect([again.status, again.json]).toEqual([200, { job_id: answer.json.job_id, status: "duplicate", unique_existing: true }]);
  });

  it("refuses a query that is wrong, and a delivery with the same Idempotency-Key is one job", async () => {
    expect((await rest.post("webhooks/hooks?max_retries=many", "1")).status).toBe(400);
    const first = await rest.post("webhooks/hooks", "1", { "Idempotency-Key": "delivery-1" });
    expect((await rest.post("webhooks/hooks", "1", { "Idempotency-Key": "delivery-1" })).json).toEqual(first.json);
  });
});
