import { beforeAll, describe, expect, it } from "vitest";
import { serve, type TestServer } from "./harness.js";
import type { Rest } from "./rest.js";

let server: TestServer;
let rest: Rest;
beforeAll(async () => {
  server = await serve();
  ({ rest } = server);
});

const absent = "job_18ea0fd52f904a40ffffffffff";
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

describe("POST /fetch", () => {
  it("leases the job: all of its fields, a fence, and attempt 1", async () => {
    const id = await rest.add("f1", { payload: { a: 1 }, tags: { t: "x" }, checkpoint: { c: 1 } });
    const answer = await rest.post("fetch", { queues: ["f0", "f1"], worker_id: "w", hostname: "h", timeout: 20 });
    expect([answer.status, answer.json]).toEqual([
      200,
      {
        job_id: id,
        queue: "f1",
        payload: { a: 1 },
        attempt: 1,
        max_retries: 3,
        lease_duration: 20,
        checkpoint: { c: 1 },
        tags: { t: "x" },
        fence: expect.any(Number),
      },
    ]);
    const job = await rest.job(id);
    expect(job).toMatchObject({ state: "active", worker_id: "w", hostname: "h", attempt: 1 });
    expect(Date.parse(job.lease_expires_at) - Date.parse(job.started_at)).toBe(20_000);
  });

  it("answers 204 with an empty body when nothing came", async () => {
    const answer = await rest.post("fetch", { queues: ["nothing-here"], timeout: 1 });
    expect([answer.status, answer.text, answer.headers["content-length"]]).toEqual([204, "", undefined]);
  });

  it("takes the first queue that has something, then priority, then age", async () => {
    const ids = [];
    for (const [queue, priority] of [
      ["o2", "normal"],
      ["o1", "normal"],
      ["o1", "high"],
      ["o1", "critical"],
      ["o1", "normal"],
    ])
      ids.push(await rest.add(queue, { priority }));
    const order = [];
    for (let i = 0; i < 5; i++) order.push((await rest.post("fetch", { queues: ["o1", "o2"] })).json.job_id);
    expect(order).toEqual([ids[3], ids[2], ids[1], ids[4], ids[0]]);
  });

  it("refuses a request without queues", async () => {
    for (const path of ["fetch", "fetch/batch"]) {
      const answer = await rest.post(path, { worker_id: "w" });
      expect([answer.status, answer.json]).toEqual([400, { error: "queues is required", code: "VALIDATION_ERROR", field: "queues" }]);
    }
  });

  it("a lease that ends gives the job to the next one, with the attempt after it and a higher fence", async () => {
    const id = await rest.add("lease");
    const first = await rest.take("lease", 1);
    const second = await rest.take("lease", 5);
    expect(second.job_id).toBe(id);
    expect(second.attempt).toBe(2);
    expect(second.fence).toBeGreaterThan(first.fence);
  });
});

describe("POST /fetch/batch", () => {
  it("grants up to count, in list order of the queues", async () => {
    const ids = [];
    for (const queue of ["fb2", "fb1", "fb1", "fb1"]) ids.push(await rest.add(queue));
    const answer = await rest.post("fetch/batch", { queues: ["fb1", "fb2"], count: 4, worker_id: "w" });
    expect(answer.status).toBe(200);
    expect(answer.json.jobs.map((j: { job_id: string }) => j.job_id)).toEqual([ids[1], ids[2], ids[3], ids[0]]);
    expect(answer.json.jobs[0]).toEqual({
      job_id: ids[1],
      queue: "fb1",
      payload: {},
      attempt: 1,
      max_retries: 3,
      lease_duration: 60,
      fence: expect.any(Number),
    });
  });

  it("grants one without a count, 512 at most, and an empty list when nothing came", async () => {
    const jobs = Array.from({ length: 520 }, () => ({ queue: "fb3" }));
    await rest.post("enqueue/batch", { jobs });
    expect((await rest.post("fetch/batch", { queues: ["fb3"] })).json.jobs).toHaveLength(1);
    expect((await rest.post("fetch/batch", { queues: ["fb3"], count: 10_000 })).json.jobs).toHaveLength(512);
    const none = await rest.post("fetch/batch", { queues: ["fb-none"], count: 3, timeout: 1 });
    expect([none.status, none.json]).toEqual([200, { jobs: [] }]);
  });
});

describe("POST /ack/{job_id}", () => {
  it("completes the job with its result, once", async () => {
    const id = await rest.add("a1");
    await rest.take("a1");
    const answer = await rest.post(`ack/${id}`, { result: { ok: true }, checkpoint: { last: 1 } });
    expect([answer.status, answer.json]).toEqual([200, { status: "ok" }]);
    const job = await rest.job(id);
    expect(job).toMatchObject({ state: "completed", result: { ok: true }, checkpoint: { last: 1 }, attempt: 1 });
    expect(job.completed_at).toBeDefined();
    for (const gone of ["worker_id", "hostname", "lease_expires_at", "fence"]) expect(job).not.toHaveProperty(gone);
    const again = await rest.post(`ack/${id}`);
    expect([again.status, again.json.code, again.json.error]).toEqual([400, "ACK_ERROR", `job ${id} is not active`]);
  });

  it("works without a body; one that is no JSON completes nothing, because a result would be lost", async () => {
    for (const body of [undefined, "", " \n"]) {
      const id = await rest.add("a2");
      await rest.take("a2");
      expect((await rest.post(`ack/${id}`, body)).status).toBe(200);
      expect(await rest.job(id)).not.toHaveProperty("result");
    }
    const id = await rest.add("a2");
    await rest.take("a2");
    const answer = await rest.post(`ack/${id}`, '{"result":');
    expect([answer.status, answer.json.code, (await rest.job(id)).state]).toEqual([400, "PARSE_ERROR", "active"]);
  });

  it.each([
    ["a job that is not there", absent],
    ["what is no id at all", "nonsense"],
  ])("refuses %s", async (_name, id) => {
    const answer = await rest.post(`ack/${id}`, {});
    expect([answer.status, answer.json.code, answer.json.error]).toEqual([400, "ACK_ERROR", `job ${id} not found`]);
  });

  it("refuses a stale fence with 409 and takes the right one", async () => {
    const id = await rest.add("a3");
    const first = await rest.take("a3", 1);
    const second = await rest.take("a3", 5);
    const stale = await rest.post(`ack/${id}`, { fence: first.fence });
    expect([stale.status, stale.json.code]).toEqual([409, "STALE_FENCE"]);
    expect((await rest.job(id)).state).toBe("active");
    expect((await rest.post(`ack/${id}`, { fence: second.fence })).status).toBe(200);
  });

  it("a repeated acknowledgement with the same Idempotency-Key is answered as the first", async () => {
    const id = await rest.add("a4");
    await rest.take("a4");
    for (let i = 0; i < 2; i++) expect((await rest.post(`ack/${id}`, { result: 1 }, { "Idempotency-Key": "ack-1" })).status).toBe(200);
  });
});

describe("POST /ack/batch", () => {
  it("counts what was completed and skips what is not active, each job once", async () => {
    const ids = [await rest.add("ab"), await rest.add("ab"), await rest.add("ab")];
    await rest.take("ab");
    await rest.take("ab");
    const acks = [{ job_id: ids[0], result: { r: 1 } }, { job_id: ids[0] }, { job_id: ids[1] }, { job_id: ids[2] }, { job_id: absent }];
    const answer = await rest.post("ack/batch", { acks });
    expect([answer.status, answer.json]).toEqual([200, { acked: 2 }]);
    expect(await rest.job(ids[0])).toMatchObject({ state: "completed", result: { r: 1 } });
    expect((await rest.job(ids[2])).state).toBe("pending");
  });

  it.each([
    ["no acks", {}, "acks array is required"],
    ["too many", { acks: Array.from({ length: 513 }, () => ({ job_id: absent })) }, "ack batch exceeds maximum of 512 items"],
    ["an ack without job", { acks: [{ result: 1 }] }, "job_id is required for each ack"],
  ])("refuses %s", async (_name, body, error) => {
    const answer = await rest.post("ack/batch", body);
    expect([answer.status, answer.json.code, answer.json.error]).toEqual([400, "VALIDATION_ERROR", error]);
  });
});

describe("POST /fail/{job_id}", () => {
  it("retries until the attempts are used up, then the job is dead with every error kept", async () => {
    const id = await rest.add("x1", { max_retries: 2, retry_backoff: "fixed", retry_base_delay: "150ms" });
    await rest.take("x1");
    const before = Date.now();
    const first = await rest.post(`fail/${id}`, { error: "boom", backtrace: "at line 1" });
    expect([first.status, first.json]).toEqual([200, { status: "retrying", next_attempt_at: expect.any(String), attempts_remaining: 1 }]);
    const due = Date.parse(first.json.next_attempt_at);
    expect(due - before).toBeGreaterThanOrEqual(150);
    expect(await rest.job(id)).toMatchObject({ state: "retrying", scheduled_at: first.json.next_attempt_at });
    const again = await rest.take("x1", 5);
    expect(Date.now()).toBeGreaterThanOrEqual(due);
    expect(again.attempt).toBe(2);
    const second = await rest.post(`fail/${id}`, { error: "boom again" });
    expect(second.json).toEqual({ status: "dead", attempts_remaining: 0 });
    const job = await rest.job(id);
    expect(job.state).toBe("dead");
    expect(job.failed_at).toBeDefined();
    expect(job.errors).toEqual([
      { id: 1, job_id: id, attempt: 1, error: "boom", backtrace: "at line 1", created_at: expect.any(String) },
      { id: 2, job_id: id, attempt: 2, error: "boom again", created_at: expect.any(String) },
    ]);
  });

  it.each([
    ["none", 1, 0],
    ["fixed", 1000, 1000],
    ["linear", 1000, 2000],
    ["exponential", 1000, 2000],
    ["something else", 1000, 2000],
  ])("back-off %s: the second failure waits as the table says", async (retry_backoff, _first, second) => {
    const queue = `back-off-${retry_backoff}`;
    const id = await rest.add(queue, { retry_backoff, retry_base_delay: retry_backoff === "none" ? "1s" : "1s", max_retries: 9 });
    const fail = async (): Promise<number> => {
      await rest.take(queue);
      const { json } = await rest.post(`fail/${id}`, { error: "e" });
      const { failed_at } = await rest.job(id);
      return Date.parse(json.next_attempt_at) - Date.parse(failed_at);
    };
    expect(await fail()).toBe(retry_backoff === "none" ? 0 : 1000);
    // The retry is moved forward by hand: a person may retry at once.
    if (retry_backoff !== "none") await rest.post(`jobs/${id}/hold`).then(() => rest.post(`jobs/${id}/approve`));
    expect(await fail()).toBe(second);
  });

  it("caps the delay", async () => {
    const id = await rest.add("cap", { retry_base_delay: "10m", retry_max_delay: "2s" });
    await rest.take("cap");
    const { json } = await rest.post(`fail/${id}`, { error: "e" });
    expect(Date.parse(json.next_attempt_at) - Date.parse((await rest.job(id)).failed_at)).toBe(2000);
  });

  it("refuses an unknown job, one that is not active, a stale fence and no body", async () => {
    const id = await rest.add("x2");
    const unknown = await rest.post(`fail/${absent}`, { error: "e" });
    expect([unknown.status, unknown.json.code, unknown.json.error]).toEqual([400, "FAIL_ERROR", `job ${absent} not found`]);
    const idle = await rest.post(`fail/${id}`, { error: "e" });
    expect([idle.status, idle.json.code, idle.json.error]).toEqual([400, "FAIL_ERROR", `job ${id} is not active (state=pending)`]);
    const { fence } = await rest.take("x2");
    const stale = await rest.post(`fail/${id}`, { error: "e", fence: fence + 1000 });
    expect([stale.status, stale.json.code]).toEqual([409, "STALE_FENCE"]);
    const bare = await rest.post(`fail/${id}`);
    expect([bare.status, bare.json.code]).toEqual([400, "PARSE_ERROR"]);
  });
});

describe("POST /heartbeat", () => {
  it("extends the lease and keeps progress and checkpoint; unknown and idle jobs are told to stop", async () => {
    const id = await rest.add("h1");
    const idle = await rest.add("h1-idle");
    await rest.take("h1", 2);
    const before = await rest.job(id);
    const answer = await rest.post("heartbeat", { jobs: { [id]: { progress: { done: 3 }, checkpoint: { at: 3 } }, [idle]: {}, [absent]: {}, "no-id": {} } });
    expect([answer.status, answer.json]).toEqual([
      200,
      {
        jobs: {
          [id]: { status: "ok", lease_expires_at: expect.any(String) },
          [idle]: expect.objectContaining({ status: "cancel" }),
          [absent]: expect.objectContaining({ status: "cancel" }),
          "no-id": expect.objectContaining({ status: "cancel" }),
        },
        lease_expires_at: answer.json.jobs[id].lease_expires_at,
      },
    ]);
    const after = await rest.job(id);
    expect(after.lease_expires_at).toBe(answer.json.lease_expires_at); // the promise is what is kept
    expect(after).toMatchObject({ progress: { done: 3 }, checkpoint: { at: 3 } });
    expect(Date.parse(after.lease_expires_at) - Date.parse(before.lease_expires_at)).toBeGreaterThanOrEqual(58_000);
  });

  it("promises for many the earliest end, and nothing for a job that its budget takes away", async () => {
    const [short, long, dear] = await Promise.all(["h5.short", "h5.long", "h5.dear"].map((queue) => rest.add(queue)));
    await rest.post("budgets", { scope: "queue", target: "h5.dear", per_job_usd: 1, on_exceed: "hold" });
    for (const [queue, timeout] of [
      ["h5.short", 5],
      ["h5.long", 600],
      ["h5.dear", 600],
    ] as const)
      await rest.take(queue, timeout);
    const { json } = await rest.post("heartbeat", { jobs: { [long]: {}, [short]: {}, [dear]: { usage: { cost_usd: 2 } } } });
    expect(json.jobs[dear]).toEqual({ status: "ok", budget_exceeded: true });
    expect(json.lease_expires_at).toBe(json.jobs[short].lease_expires_at);
    expect(Date.parse(json.jobs[long].lease_expires_at) - Date.parse(json.jobs[short].lease_expires_at)).toBe(540_000); // 600 s, and 60 s at least
  });

  it("tells the worker of a cancelled job to stop", async () => {
    const id = await rest.add("h2");
    await rest.take("h2");
    expect((await rest.post(`jobs/${id}/cancel`)).json).toEqual({ status: "cancelling" });
    expect((await rest.post("heartbeat", { jobs: { [id]: {} } })).json.jobs[id].status).toBe("cancel");
    const late = await rest.post(`ack/${id}`);
    expect([late.status, late.json.code]).toEqual([400, "ACK_ERROR"]);
    expect(await rest.job(id)).toMatchObject({ state: "cancelled", worker_id: "w1" });
  });

  it("a stale fence is told to stop, with the reason", async () => {
    const id = await rest.add("h3");
    const { fence } = await rest.take("h3");
    const { json } = await rest.post("heartbeat", { jobs: { [id]: { fence: fence + 1000 } } });
    expect(json.jobs[id]).toEqual({ status: "cancel", reason: "stale_fence" });
  });

  it("refuses progress that is no object, for the whole request", async () => {
    const id = await rest.add("h4");
    await rest.take("h4");
    const answer = await rest.post("heartbeat", { jobs: { [id]: { progress: [1] } } });
    expect(answer.status).toBe(400);
    expect(await rest.job(id)).not.toHaveProperty("progress");
  });
});
