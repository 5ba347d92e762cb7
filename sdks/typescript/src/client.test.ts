import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CorvoError, connect, defineJob } from "./index.js";
import { CuttingProxy } from "./testing/cutting-proxy.js";
import { TestServer } from "./testing/server.js";

let server: TestServer;
let client: ReturnType<typeof connect>;
beforeAll(async () => {
  server = await TestServer.start();
  client = connect({ url: `${server.url}/` });
});
afterAll(async () => {
  client.close();
  await server.end();
});
const refused = (call: Promise<unknown>): Promise<CorvoError> =>
  call.then(
    () => Promise.reject(new Error("was not refused")),
    (error) => (error instanceof CorvoError ? error : Promise.reject(error)),
  );

test("a job's way: added, fetched, kept alive, completed", async () => {
  const mail = defineJob<{ to: string }, { sent: boolean }>("way", { tags: { kind: "mail" }, priority: "high" });
  const added = await client.enqueue(mail, { to: "ada" }, { checkpoint: { page: 1 }, parentId: "p" });
  expect(added).toEqual({ id: expect.stringMatching(/^job_[0-9a-f]{26}$/), status: "pending", duplicate: false });

  const [job] = await client.fetch<{ to: string }>(["way"], { workerId: "w1", hostname: "h1", leaseSeconds: 90 });
  expect(job).toMatchObject({ id: added.id, queue: "way", attempt: 1, maxAttempts: 3, leaseSeconds: 90, payloadJson: '{"to":"ada"}' });
  expect([job.payload.to, job.payload, job.checkpoint, job.tags]).toEqual(["ada", job.payload, { page: 1 }, { kind: "mail" }]);
  expect(job.fence).toBeGreaterThan(0n);
  expect((await client.workers()).find(({ id }) => id === "w1")).toMatchObject({ hostname: "h1", queues: ["way"], active: 1 });

  expect(await client.heartbeat(new Map([[job.id, { fence: job.fence, progress: { done: 1 }, checkpoint: { page: 2 } }]]))).toEqual(new Map([[job.id, "ok"]]));
  expect(await client.heartbeat(new Map([[job.id, { fence: job.fence + 1n }]]))).toEqual(new Map([[job.id, "cancel"]]));
  expect(await client.job(job.id)).toMatchObject({ state: "active", progress: { done: 1 }, checkpoint: { page: 2 }, fence: job.fence, workerId: "w1" });

  expect(await refused(client.ack(job.id, { fence: job.fence + 1n }))).toMatchObject({ code: "failed_precondition", reason: "STALE_FENCE" });
  await client.ack(job.id, { fence: job.fence, result: { sent: true } });
  const done = await client.job(job.id);
  expect(done).toMatchObject({
    state: "completed",
    priority: "high",
    payload: { to: "ada" },
    result: { sent: true },
    tags: { kind: "mail" },
    parentId: "p",
    attempt: 1,
  });
  expect(done.completedAt?.getTime()).toBeGreaterThanOrEqual(done.createdAt?.getTime() ?? Number.NaN);
});

test("a job that is given back has not been tried", async () => {
  const { id } = await client.enqueue("back", {}, { maxAttempts: 1 });
  await client.enqueue("back", {});
  const [job] = await client.fetch(["back"]);
  await client.release(id, { fence: job.fence, checkpoint: { page: 7 } });
  expect(await client.job(id)).toMatchObject({ state: "pending", attempt: 0, checkpoint: { page: 7 } });
  expect(await refused(client.release(id))).toMatchObject({ code: "failed_precondition", reason: "WRONG_STATE" });
  const [again] = await client.fetch(["back"]);
  expect(again).toMatchObject({ id, attempt: 1, checkpoint: { page: 7 } });
});

test("schedules", async () => {
  const report = defineJob<{ kind: string }, void>("sdk.reports", { maxAttempts: 2 });
  const made = await client.schedules.put(
    "sdk nightly",
    "30 2 * * *",
    report,
    { kind: "daily" },
    { timezone: "Europe/Madrid", overlap: "buffer_one", jitter: "5s" },
  );
  expect(made).toMatchObject({ replaced: false, id: expect.stringMatching(/^sched_/) });
  const info = await client.schedules.get("sdk nightly");
  expect(info).toMatchObject({
    queue: "sdk.reports",
    payloadJson: '{"kind":"daily"}',
    overlap: "buffer_one",
    catchUp: "last",
    timezone: "Europe/Madrid",
    runs: 0,
  });
  expect((await client.schedules.next({ name: "sdk nightly" }, { count: 3 })).length).toBe(3);
  expect((await client.schedules.next({ cron: "@every 5m" }, { count: 2 })).length).toBe(2);
  const { jobId } = await client.schedules.run("sdk nightly");
  expect(await client.job(jobId)).toMatchObject({ queue: "sdk.reports", maxAttempts: 2 });
  await client.schedules.pause("sdk nightly");
  await client.schedules.put("sdk other", "@every 1h", "q", {}, { paused: true });
  const names: string[] = [];
  for await (const { name, paused } of client.schedules.list({ pageSize: 1 })) names.push(`${name} ${paused}`);
  expect(names).toEqual(["sdk nightly true", "sdk other true"]);
  await client.schedules.resume("sdk nightly");
  await client.schedules.delete("sdk nightly");
  await client.schedules.delete("sdk other");
  expect(await refused(client.schedules.get("sdk nightly"))).toMatchObject({ reason: "NOT_FOUND" });
});

test("a client that only looks changes nothing and refuses as it would", async () => {
  const look = client.validateOnly();
  expect((await look.enqueue("looked", {})).id).toBe("");
  expect((await client.queues()).some(({ name }) => name === "looked")).toBe(false);
  expect(await refused(look.retry("job_18ea0fd52f904a40ffffffffff"))).toMatchObject({ reason: "NOT_FOUND" });
  const { id } = await client.enqueue("looked", {});
  await look.cancel(id);
  await look.pauseQueue("looked");
  expect(await look.job(id)).toMatchObject({ state: "pending" });
  expect((await client.queues()).find(({ name }) => name === "looked")).toMatchObject({ paused: false });
  expect(await look.fetch(["looked"])).toEqual([]);
});

test("a failed attempt, with its cause, and again", async () => {
  const { id } = await client.enqueue("fails", {}, { backoff: "none", maxAttempts: 2 });
  const [first] = await client.fetch(["fails"]);
  expect(await client.fail(id, "no luck", { backtrace: "at x", fence: first.fence })).toEqual({ status: "retrying", attemptsRemaining: 1 });
  const [second] = await client.fetch(["fails"]);
  expect([second.id, second.attempt]).toEqual([id, 2]);
  expect(await client.fail(id, "again")).toEqual({ status: "dead", attemptsRemaining: 0 });
  expect((await client.job(id)).errors).toMatchObject([
    { attempt: 1, error: "no luck", backtrace: "at x" },
    { attempt: 2, error: "again" },
  ]);
  await client.retry(id);
  expect(await client.job(id)).toMatchObject({ state: "pending", attempt: 0 });
});

test("many at once, all or none; unique keys; scheduled jobs", async () => {
  const answers = await client.enqueueMany([
    { job: "many", payload: 1, options: { uniqueKey: "k" } },
    { job: "many", payload: 2, options: { uniqueKey: "k" } },
    { job: "many", payload: 3, options: { scheduledAt: new Date(Date.now() + 3_600_000) } },
  ]);
  expect(answers.map(({ status, duplicate }) => [status, duplicate])).toEqual([
    ["pending", false],
    ["duplicate", true],
    ["scheduled", false],
  ]);
  expect(answers[1].id).toBe(answers[0].id);
  expect((await client.jobs([answers[2].id, "job_x", answers[0].id])).map(({ payload, state }) => [payload, state])).toEqual([
    [3, "scheduled"],
    [1, "pending"],
  ]);
  expect(await client.jobs([])).toEqual([]);
  const none = client.enqueueMany([
    { job: "none", payload: 1 },
    { job: "none", payload: "x".repeat(300_000) },
  ]);
  expect(await refused(none)).toMatchObject({ code: "invalid_argument", reason: "PAYLOAD_TOO_LARGE", field: "jobs[1].payload_json", outcomeUnknown: false });
  expect((await client.queues()).map(({ name }) => name)).not.toContain("none");
});

test("steering jobs and queues", async () => {
  const { id } = await client.enqueue("steer", { n: 1 });
  await client.hold(id);
  await client.approve(id);
  await client.move(id, "steered");
  expect(await client.cancel(id)).toBe("cancelled");
  await client.retry(id);
  await client.hold(id);
  await client.reject(id);
  expect(await client.job(id)).toMatchObject({ state: "dead", queue: "steered" });
  await client.delete(id);
  expect(await refused(client.job(id))).toMatchObject({ code: "not_found", reason: "NOT_FOUND", field: "job_id" });

  await client.pauseQueue("steered");
  await client.setConcurrency("steered", 4);
  await client.setThrottle("steered", { rate: 10, windowMs: 1000 });
  const found = async (): Promise<unknown> => (await client.queues()).find(({ name }) => name === "steered");
  expect(await found()).toMatchObject({ paused: true, maxConcurrency: 4, throttle: { rate: 10, windowMs: 1000 }, pending: 0 });
  await client.resumeQueue("steered");
  await client.drainQueue("steered");
  await client.resumeQueue("steered");
  await client.setThrottle("steered", undefined);
  await client.clearQueue("steered");
  expect(await found()).toMatchObject({ paused: false, throttle: undefined });
  await client.destroyQueue("steered");
  expect(await found()).toBeUndefined();
  expect(await client.status()).toMatchObject({ state: "Leader", status: "healthy" });
  expect(await client.serverInfo()).toEqual({ serverVersion: expect.stringMatching(/^\d/), apiVersion: expect.any(String) });
});

test("errors name reason and field", async () => {
  expect(await refused(client.ack("job_00000000000000000000000000"))).toMatchObject({ code: "invalid_argument", reason: "NOT_FOUND" });
  expect(await refused(client.fetch([]))).toMatchObject({ code: "invalid_argument", field: "queues", retryAfterMs: undefined });
  expect(await refused(client.enqueue("errors", {}, { uniqueKey: "k".repeat(256) }))).toMatchObject({ code: "invalid_argument", field: "unique_key" });
  const id = "the-same-id";
  await client.enqueue("errors", 1, { requestId: id });
  expect(await refused(client.enqueue("errors", 2, { requestId: id }))).toMatchObject({ reason: "REQUEST_ID_REUSED", field: "request_id" });
  await expect(client.fetch(["q"], { leaseSeconds: 0 })).rejects.toThrow(RangeError);
});

test("the same request id takes effect once", async () => {
  const twice = [await client.enqueue("once", 1, { requestId: "x" }), await client.enqueue("once", 1, { requestId: "x" })];
  expect(twice[0]).toEqual(twice[1]);
  expect((await client.queues()).find(({ name }) => name === "once")).toMatchObject({ pending: 1 });
});

test("a fetch waits as long as it is told, and wakes with the job", async () => {
  const start = performance.now();
  expect(await client.fetch(["waits"], { waitMs: 0 })).toEqual([]);
  expect(await client.fetch(["waits"], { waitMs: 120 })).toEqual([]);
  expect(performance.now() - start).toBeGreaterThan(100);
  const fetching = client.fetch(["waits"], { waitMs: 20_000 });
  const { id } = await client.enqueue("waits", 1);
  expect((await fetching).map((job) => job.id)).toEqual([id]);
  expect(performance.now() - start).toBeLessThan(10_000);
});

test("the caller's signal ends a waiting fetch; the server grants it nothing any more", async () => {
  const controller = new AbortController();
  const fetching = refused(client.fetch(["aborts"], { signal: controller.signal }));
  await client.serverInfo(); // the same connection: the fetch has arrived
  controller.abort();
  expect(await fetching).toMatchObject({ reason: "CANCELLED", outcomeUnknown: true });
  await client.serverInfo();
  const { id } = await client.enqueue("aborts", 1);
  expect(await client.job(id)).toMatchObject({ state: "pending" });
  expect(await refused(client.enqueue("aborts", 1, { signal: controller.signal }))).toMatchObject({ reason: "CANCELLED" });
});

/** A client whose connections run through a proxy, and what happens to the jobs of a queue as the server itself tells it. */
async function throughProxy(
  queue: string,
): Promise<{ through: typeof client; losing: <T>(call: () => Promise<T>, type: string) => Promise<T>; end: () => Promise<void> }> {
  const proxy = await CuttingProxy.start(server.address);
  const through = connect({ url: proxy.url, backoff: { baseMs: 1, capMs: 10 } });
  const seen = client.subscribe({ queues: [queue], types: ["enqueued", "started", "completed"] });
  await through.serverInfo();
  return {
    through,
    /** Makes a call, breaks the connection once it took effect and before its answer came. */
    async losing(call, type) {
      proxy.mute = true;
      const calling = call();
      while ((await seen.next()).value?.type !== type) {
        // others come before
      }
      proxy.mute = false;
      proxy.cut();
      return calling;
    },
    async end() {
      await seen.return();
      through.close();
      await proxy.end();
    },
  };
}

test("a call whose answer was lost is repeated and takes effect once", async () => {
  const { through, losing, end } = await throughProxy("lost");
  try {
    const { id } = await losing(() => through.enqueue("lost", { n: 1 }), "enqueued");
    expect((await client.queues()).find(({ name }) => name === "lost")).toMatchObject({ enqueued: 1 });
    const [job] = await client.fetch(["lost"], { waitMs: 0 });
    await losing(() => Promise.resolve(), "started");
    await losing(() => through.ack(id, { fence: job.fence, result: 7 }), "completed");
    expect(await client.job(id)).toMatchObject({ state: "completed", result: 7 });
  } finally {
    await end();
  }
});

// The server answers a repeated fetch from its memory of request ids only when something else can be fetched, and then drops the answer.
test("a fetch whose answer was lost brings the same jobs when it is repeated", async () => {
  const { through, losing, end } = await throughProxy("lost-fetch");
  try {
    const { id } = await through.enqueue("lost-fetch", 1);
    await losing(() => Promise.resolve(), "enqueued");
    const [job] = await losing(() => through.fetch(["lost-fetch"], { waitMs: 200 }), "started");
    expect(job).toMatchObject({ id, attempt: 1 });
  } finally {
    await end();
  }
});

test("nobody listens: tries as often as told, then says where", async () => {
  const probe: Server = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  const lonely = connect({ url: `http://127.0.0.1:${port}`, tries: 3, backoff: { baseMs: 1, capMs: 1 } });
  expect(await refused(lonely.serverInfo())).toMatchObject({ reason: "UNAVAILABLE", code: "unavailable", message: `connect ECONNREFUSED 127.0.0.1:${port}` });
});

test("a server that says nothing: the time is over when it is over", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const waiting = connect({ url: `http://127.0.0.1:${(silent.address() as { port: number }).port}` });
  expect(await refused(waiting.enqueue("silent", 1, { timeoutMs: 100 }))).toMatchObject({ reason: "TIMEOUT", outcomeUnknown: true });
  waiting.close();
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test("closing ends what waits and what comes", async () => {
  const closing = connect({ url: server.url });
  await closing.serverInfo();
  const fetching = refused(closing.fetch(["closing"]));
  const listening = closing.subscribe({ queues: ["closing"] }).next();
  await closing.serverInfo();
  closing.close();
  expect(await fetching).toMatchObject({ reason: "CANCELLED", message: "the client was closed" });
  expect(await listening).toMatchObject({ done: true });
  expect(await refused(closing.serverInfo())).toMatchObject({ reason: "CANCELLED" });
});

test("events: filtered, resumed after a restart without gap or repeat, and over when the loop is left", async () => {
  const add = (n: number): Promise<unknown> => client.enqueue("events", { n });
  const seen: [string, bigint][] = [];
  await add(1);
  for await (const { type, queue, seq, at } of client.subscribe({ queues: ["events"], types: ["enqueued"] })) {
    expect([queue, type]).toEqual(["events", "enqueued"]);
    expect(Math.abs(Date.now() - at.getTime())).toBeLessThan(60_000);
    seen.push([type, seq]);
    if (seen.length === 1) {
      await server.kill();
      await server.start();
      await add(2);
    }
    if (seen.length === 2) await add(3);
    if (seen.length === 3) break;
  }
  expect(seen[0][1] < seen[1][1] && seen[1][1] < seen[2][1]).toBe(true);
  const controller = new AbortController();
  const again = client.subscribe({ queues: ["events"], after: seen[1][1], signal: controller.signal });
  expect((await again.next()).value).toMatchObject({ seq: seen[2][1] });
  const ending = again.next();
  controller.abort();
  expect(await ending).toMatchObject({ done: true });
});

test("children of a job and members of a batch are listed, and say where they belong", async () => {
  const parent = await client.enqueue("album", {});
  const photos = await client.enqueueMany([1, 2, 3].map((n) => ({ job: "photo", payload: n, options: { parentId: parent.id } })));
  const ids = photos.map(({ id }) => id).reverse();
  const first = await client.together.children(parent.id, { limit: 2 });
  const rest = await client.together.children(parent.id, { limit: 2, cursor: first.next });
  expect([first.total, first.pending, rest.next]).toEqual([3, 3, undefined]);
  expect([...first.jobs, ...rest.jobs].map(({ id, parentId }) => [id, parentId])).toEqual(ids.map((id) => [id, parent.id]));
  const batchId = await client.together.createBatch();
  const member = await client.enqueue("photo", 4, { batchId });
  expect((await client.search.page({ batchId })).jobs).toMatchObject([{ id: member.id, batchId, chainId: "", parentId: "" }]);
});
