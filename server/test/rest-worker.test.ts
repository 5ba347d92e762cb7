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
