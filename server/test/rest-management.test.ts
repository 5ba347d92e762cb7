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
/** Brings a new job of this queue into a state. */
const into: Record<string, (queue: string) => Promise<string>> = {
  pending: (queue) => rest.add(queue),
  scheduled: (queue) => rest.add(queue, { scheduled_at: new Date(Date.now() + 3_600_000).toISOString() }),
  async active(queue) {
    const id = await rest.add(queue, { max_retries: 1 });
    await rest.take(queue);
    return id;
  },
  async retrying(queue) {
    const id = await rest.add(queue, { retry_base_delay: "1h", retry_max_delay: "2h" });
    await rest.take(queue);
    await rest.post(`fail/${id}`, { error: "e" });
    return id;
  },
  async held(queue) {
    const id = await rest.add(queue);
    await rest.post(`jobs/${id}/hold`);
    return id;
  },
  async completed(queue) {
    const id = await into.active(queue);
    await rest.post(`ack/${id}`, { result: 7 });
    return id;
  },
  async dead(queue) {
    const id = await into.active(queue);
    await rest.post(`fail/${id}`, { error: "e" });
    return id;
  },
  async cancelled(queue) {
    const id = await into.pending(queue);
    await rest.post(`jobs/${id}/cancel`);
    return id;
  },
};
const states = Object.keys(into);

/** From which states a verb leads where, and what it says (spec/jobs.md §3.1, spec/rest.md §6.2). */
const verbs: Record<string, { from: string[]; to: string; says: (from: string) => string; code: string; refusal: (id: string, from: string) => string }> = {
  retry: {
    from: ["dead", "cancelled", "completed", "scheduled"],
    to: "pending",
    says: () => "retried",
    code: "RETRY_ERROR",
    refusal: (id, from) => `job "${id}" cannot be retried from state "${from}"`,
  },
  cancel: {
    from: ["pending", "scheduled", "retrying", "active"],
    to: "cancelled",
    says: (from) => (from === "active" ? "cancelling" : "cancelled"),
    code: "CANCEL_ERROR",
    refusal: (id, from) => `job "${id}" cannot be cancelled from state "${from}"`,
  },
  hold: {
    from: ["pending", "active", "scheduled", "retrying"],
    to: "held",
    says: () => "held",
    code: "HOLD_ERROR",
    refusal: (id) => `job "${id}" not found or cannot be held from current state`,
  },
  approve: {
    from: ["held"],
    to: "pending",
    says: () => "pending",
    code: "APPROVE_ERROR",
    refusal: (id) => `job "${id}" not found or cannot be approved from current state`,
  },
  reject: {
    from: ["held"],
    to: "dead",
    says: () => "dead",
    code: "REJECT_ERROR",
    refusal: (id) => `job "${id}" not found or cannot be rejected from current state`,
  },
};

describe.each(Object.entries(verbs))("POST /jobs/{id}/%s", (verb, rule) => {
  it.each(states)("from %s", async (state) => {
    const id = await into[state](`${verb}-${state}`);
    const before = await rest.job(id);
    expect(before.state).toBe(state);
    const answer = await rest.post(`jobs/${id}/${verb}`);
    if (rule.from.includes(state)) {
      expect([answer.status, answer.json]).toEqual([200, { status: rule.says(state) }]);
      expect((await rest.job(id)).state).toBe(rule.to);
    } else {
      expect([answer.status, answer.json]).toEqual([400, { error: rule.refusal(id, state), code: rule.code, field: "job_id" }]);
      expect(await rest.job(id)).toEqual(before);
    }
  });

  it("refuses a job that is not there", async () => {
    const answer = await rest.post(`jobs/${absent}/${verb}`, {});
    expect([answer.status, answer.json.code]).toEqual([400, rule.code]);
    expect(answer.json.error).toMatch(new RegExp(`^job "${absent}" not found`));
  });
});

describe("retry of finished jobs", () => {
  it.each(["completed", "dead", "cancelled"])("brings a %s job back from the archive and lets it run again", async (state) => {
    const queue = `back-${state}`;
    const id = await into[state](queue);
    await rest.post(`jobs/${id}/retry`);
    const job = await rest.job(id);
    expect(job).toMatchObject({ state: "pending", attempt: 0, payload: {} });
    for (const cleared of ["failed_at", "completed_at", "cancelled_at", "worker_id", "lease_expires_at", "scheduled_at"])
      expect(job).not.toHaveProperty(cleared);
    if (state === "completed") expect(job.result).toBe(7);
    if (state === "dead") expect(job.errors).toHaveLength(1);
    const again = await rest.take(queue);
    expect([again.job_id, again.attempt]).toEqual([id, 1]);
    expect((await rest.post(`ack/${id}`, { fence: again.fence })).status).toBe(200);
    expect((await rest.job(id)).state).toBe("completed");
  });
});

describe("POST /jobs/{id}/move", () => {
  it.each(states)("moves a %s job and keeps its state", async (state) => {
    const id = await into[state](`from-${state}`);
    const answer = await rest.post(`jobs/${id}/move`, { queue: `to-${state}` });
    expect([answer.status, answer.json]).toEqual([200, { status: "moved" }]);
    expect(await rest.job(id)).toMatchObject({ state, queue: `to-${state}` });
    const queues = (await rest.get("queues")).json as { name: string; enqueued: number }[];
    expect(queues.find((q) => q.name === `to-${state}`)?.enqueued).toBe(1);
    expect(queues.find((q) => q.name === `from-${state}`)?.enqueued).toBe(0);
  });

  it("a moved job is fetched from its new queue", async () => {
    const id = await rest.add("move-a");
    await rest.post(`jobs/${id}/move`, { queue: "move-b" });
    expect((await rest.take("move-b")).job_id).toBe(id);
  });

  it("refuses no target and a job that is not there", async () => {
    const id = await rest.add("move-a");
    const bare = await rest.post(`jobs/${id}/move`, {});
    expect([bare.status, bare.json.error]).toEqual([400, "queue is required"]);
    const unknown = await rest.post(`jobs/${absent}/move`, { queue: "x" });
    expect([unknown.status, unknown.json.code]).toEqual([400, "MOVE_ERROR"]);
  });
});

describe("DELETE /jobs/{id}", () => {
  it.each(states)("deletes a %s job", async (state) => {
    const id = await into[state](`delete-${state}`);
    const answer = await rest.delete(`jobs/${id}`);
    expect([answer.status, answer.json]).toEqual([200, { status: "deleted" }]);
    expect((await rest.get(`jobs/${id}`)).status).toBe(404);
    const again = await rest.delete(`jobs/${id}`);
    expect([again.status, again.json.code]).toEqual([404, "NOT_FOUND"]);
    const queue = (await rest.get("queues")).json.find((q: { name: string }) => q.name === `delete-${state}`);
    expect(queue).toMatchObject({ enqueued: 0, [state]: 0 });
  });
});

describe("reading jobs", () => {
  it("GET /jobs/{id} of an unknown job is 404 with its id in the text", async () => {
    for (const id of [absent, "nonsense", "job_", encodeURIComponent("ä ö")]) {
      const answer = await rest.get(`jobs/${id}`);
      expect([answer.status, answer.json]).toEqual([404, { error: `job "${decodeURIComponent(id)}" not found`, code: "NOT_FOUND", field: "job_id" }]);
    }
  });

  it("POST /jobs/bulk-get answers in order and skips what is missing, archived jobs included", async () => {
    const a = await into.completed("bulk");
    const b = await rest.add("bulk");
    const answer = await rest.post("jobs/bulk-get", { job_ids: [b, absent, a, b] });
    expect(answer.status).toBe(200);
    expect(answer.json.jobs.map((j: { id: string; state: string }) => [j.id, j.state])).toEqual([
      [b, "pending"],
      [a, "completed"],
      [b, "pending"],
    ]);
    expect((await rest.post("jobs/bulk-get", { job_ids: [absent] })).json).toEqual({ jobs: [] });
  });

  it("POST /jobs/bulk-get takes 1000 ids and no more", async () => {
    const ids = Array.from({ length: 1001 }, () => absent);
    expect((await rest.post("jobs/bulk-get", { job_ids: ids.slice(1) })).status).toBe(200);
    const answer = await rest.post("jobs/bulk-get", { job_ids: ids });
    expect([answer.status, answer.json.code]).toEqual([400, "VALIDATION_ERROR"]);
    expect((await rest.post("jobs/bulk-get", {})).status).toBe(400);
  });

  it("keeps the payload's spelling in RPC and removes only white space in REST, where markup is escaped", async () => {
    const { json } = await rest.post("enqueue", '{"queue":"raw","payload": {"b" : 1.50,  "a":"<&>"} }');
    expect((await rest.get(`jobs/${json.job_id}`)).text).toContain('"payload":{"b":1.50,"a":"\\u003c\\u0026\\u003e"}');
    const { job } = await server.rpc.job.getJob({ jobId: json.job_id });
    expect(job?.payloadJson).toBe('{"b" : 1.50,  "a":"<&>"}');
  });
});

describe("queues", () => {
  const queue = async (name: string) => (await rest.get("queues")).json.find((q: { name: string }) => q.name === name);

  it("GET /queues is a list sorted by name with counts of every state", async () => {
    for (const state of [...states].reverse()) await into[state]("counted"); // the pending one last, or the next would take it
    const { status, json } = await rest.get("queues");
    expect(status).toBe(200);
    const names = json.map((q: { name: string }) => q.name);
    expect(names).toEqual([...names].sort());
    const ones = Object.fromEntries(states.map((state) => [state, 1]));
    expect(await queue("counted")).toMatchObject({ name: "counted", paused: false, enqueued: 8, ...ones });
  });

  it("pause keeps everything in, resume lets it out, and a waiting fetch wakes", async () => {
    await rest.add("p1");
    expect((await rest.post("queues/p1/pause")).json).toEqual({ status: "paused" });
    expect((await queue("p1")).paused).toBe(true);
    expect((await rest.post("fetch", { queues: ["p1"], timeout: 1 })).status).toBe(204);
    const waiting = rest.post("fetch", { queues: ["p1"], timeout: 20 });
    await rest.add("p1");
    expect((await rest.post("queues/p1/resume")).json).toEqual({ status: "resumed" });
    expect((await waiting).status).toBe(200);
  });

  it("drain pauses too, and says so", async () => {
    expect((await rest.post("queues/p2/drain")).json).toEqual({ status: "draining" });
    expect((await queue("p2")).paused).toBe(true);
  });

  it("clear deletes what waits, and nothing else", async () => {
    const ids = Object.fromEntries(await Promise.all(states.map(async (state) => [state, await into[state](`clear-${state}`)])));
    for (const state of states) expect((await rest.post(`queues/clear-${state}/clear`)).json).toEqual({ status: "cleared" });
    for (const state of states)
      expect([state, (await rest.get(`jobs/${ids[state]}`)).status]).toEqual([state, state === "pending" || state === "scheduled" ? 404 : 200]);
    expect((await rest.post("fetch", { queues: ["clear-pending"], timeout: 1 })).status).toBe(204);
  });

  it("DELETE /queues/{name} takes every job and the queue with it; an unknown queue is fine", async () => {
    const ids = Object.fromEntries(await Promise.all(states.map(async (state) => [state, await into[state](`destroy-${state}`)])));
    for (const state of states) expect((await rest.delete(`queues/destroy-${state}`)).json).toEqual({ status: "deleted" });
    for (const state of states) expect([state, (await rest.get(`jobs/${ids[state]}`)).status]).toEqual([state, 404]);
    expect((await rest.get("queues")).json.some((q: { name: string }) => q.name.startsWith("destroy-"))).toBe(false);
    expect((await rest.delete("queues/never-was")).json).toEqual({ status: "deleted" });
  });

  it("concurrency bounds what runs at a time; null lifts it", async () => {
    await rest.post("enqueue/batch", { jobs: [{ queue: "c1" }, { queue: "c1" }, { queue: "c1" }] });
    expect((await rest.post("queues/c1/concurrency", { max: 2 })).json).toEqual({ status: "ok" });
    expect((await queue("c1")).max_concurrency).toBe(2);
    const { jobs } = (await rest.post("fetch/batch", { queues: ["c1"], count: 3 })).json;
    expect(jobs).toHaveLength(2);
    const waiting = rest.post("fetch", { queues: ["c1"], timeout: 20 });
    await rest.post(`ack/${jobs[0].job_id}`);
    expect((await waiting).status).toBe(200);
    await rest.post("queues/c1/concurrency", { max: null });
    expect(await queue("c1")).not.toHaveProperty("max_concurrency");
  });

  it("throttle bounds grants per window; a waiting fetch wakes when the window has passed", async () => {
    await rest.post("enqueue/batch", { jobs: [{ queue: "t1" }, { queue: "t1" }, { queue: "t1" }] });
    expect((await rest.post("queues/t1/throttle", { rate: 2, window_ms: 400 })).json).toEqual({ status: "ok" });
    expect(await queue("t1")).toMatchObject({ rate_limit: 2, rate_window_ms: 400 });
    const from = performance.now();
    expect((await rest.post("fetch/batch", { queues: ["t1"], count: 3 })).json.jobs).toHaveLength(2);
    expect((await rest.post("fetch", { queues: ["t1"], timeout: 20 })).status).toBe(200);
    expect(performance.now() - from).toBeGreaterThanOrEqual(395);
    expect((await rest.delete("queues/t1/throttle")).json).toEqual({ status: "ok" });
    expect(await queue("t1")).not.toHaveProperty("rate_limit");
  });

  it.each([[{}], [{ rate: 0, window_ms: 5 }], [{ rate: 5 }], [{ rate: -1, window_ms: 10 }]])("refuses the throttle %j", async (body) => {
    const answer = await rest.post("queues/t2/throttle", body);
    expect([answer.status, answer.json.error]).toEqual([400, "rate and window_ms must be positive"]);
  });

  it("names with spaces, umlauts and dots are addressed percent-encoded", async () => {
    const name = "Übung 1.a/b";
    await rest.add(name);
    expect((await rest.post(`queues/${encodeURIComponent(name)}/pause`)).status).toBe(200);
    expect((await queue(name)).paused).toBe(true);
  });
});

describe("workers", () => {
  it("lists who holds or held jobs, newest first", async () => {
    await rest.add("work");
    await rest.add("work");
    await rest.post("fetch", { queues: ["work", "more"], worker_id: "old", hostname: "host-a" });
    await rest.post("fetch", { queues: ["work"], worker_id: "new", hostname: "" });
    const workers = (await rest.get("workers")).json as { id: string; [name: string]: unknown }[];
    expect(workers.map((w) => w.id).slice(0, 2)).toEqual(["new", "old"]);
    expect(workers[1]).toEqual({
      id: "old",
      hostname: "host-a",
      queues: '["work","more"]',
      last_heartbeat: expect.any(String),
      started_at: expect.any(String),
      active: 1,
    });
  });
});

describe("expiry", () => {
  it("a job that waits past its time is dead with the reason", async () => {
    const id = await rest.add("expire", { expire_after: "1ms" });
    let job = await rest.job(id);
    while (job.state === "pending") job = await rest.job(id);
    expect(job.state).toBe("dead");
    expect(job.errors).toEqual([{ id: 1, job_id: id, attempt: 0, error: "job expired", created_at: expect.any(String) }]);
  });

  it("a running job does not expire", async () => {
    let id: string;
    let taken: { job_id: string; fence: string };
    do {
      id = await rest.add("expire2", { expire_after: "500ms" });
      taken = (await rest.post("fetch", { queues: ["expire2"], worker_id: "w1", timeout: 1 })).json;
    } while (taken?.job_id !== id); // it expired before it was taken
    const { fence } = taken;
    const later = await rest.add("expire2", { expire_after: "600ms", scheduled_at: new Date(Date.now() + 60_000).toISOString() });
    while ((await rest.job(later)).state === "scheduled");
    expect((await rest.job(id)).state).toBe("active");
    expect((await rest.post(`ack/${id}`, { fence })).status).toBe(200);
  });
});
