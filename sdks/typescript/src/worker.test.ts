import { afterAll, beforeAll, expect, test } from "vitest";
import { CorvoError, connect, defineJob, type JobContext, Worker, type WorkerOptions } from "./index.js";
import { CuttingProxy } from "./testing/cutting-proxy.js";
import { during, Events, gate } from "./testing/events.js";
import { TestServer } from "./testing/server.js";

let server: TestServer;
let client: ReturnType<typeof connect>;
beforeAll(async () => {
  server = await TestServer.start();
  client = connect({ url: server.url });
});
afterAll(async () => {
  client.close();
  await server.end();
});

function make(options: WorkerOptions = {}): { worker: Worker; events: Events } {
  const events = new Events();
  return { worker: new Worker(client, { signals: false, onEvent: events.onEvent, ...options }), events };
}
const queueNamed = async (name: string) => (await client.queues()).find((queue) => queue.name === name);

test("does jobs of several kinds and stores what their handlers return", async () => {
  const add = defineJob<{ a: number; b: number }, { sum: number }>("add");
  const note = defineJob<string>("note");
  const { worker, events } = make();
  const noted: string[] = [];
  worker.handle(add, ({ a, b }) => ({ sum: a + b }));
  worker.handle(note, async (text, { job, fence }) => {
    noted.push(`${text} ${job.attempt} ${typeof fence}`);
  });
  const ids = await during(worker, async () => {
    const added = [await client.enqueue(add, { a: 1, b: 2 }), await client.enqueue(note, "hello")];
    await events.until("acked", 2);
    return added.map(({ id }) => id);
  });
  expect(noted).toEqual(["hello 1 bigint"]);
  expect((await client.jobs(ids)).map(({ state, result }) => [state, result])).toEqual([
    ["completed", { sum: 3 }],
    ["completed", {}], // nothing returned
  ]);
  expect(events.all.map(({ type }) => type).sort()).toEqual(["acked", "acked", "started", "started"]);
});

test("an idle worker is listed with what it says about itself", async () => {
  const { worker } = make({ workerId: "idle-one", hostname: "far", concurrency: 7, leaseSeconds: 3 });
  worker.handle("facts-a", () => 1).handle("facts-b", () => 2);
  await during(worker, async () => {
    const listed = async () => (await client.workers()).find(({ id }) => id === "idle-one");
    await expect.poll(listed, { timeout: 20_000 }).toMatchObject({
      ...{ id: "idle-one", hostname: "far", queues: ["facts-a", "facts-b"], active: 0 },
      ...{ sdk: "corvo-typescript", sdkVersion: "0.4.0", slots: 7 },
    });
    const first = (await listed())!;
    await expect.poll(async () => (await listed())!.lastHeartbeatAt > first.lastHeartbeatAt, { timeout: 20_000 }).toBe(true);
    expect((await listed())!.startedAt).toEqual(first.startedAt);
  });
});

test("a handler knows until when the server has promised its job", async () => {
  const { worker, events } = make();
  worker.handle("promised", async (_, context) => {
    const before = context.leaseExpiresAt;
    await context.progress({ half: true });
    return { before: before ?? null, after: context.leaseExpiresAt, kept: (await client.job(context.job.id)).leaseExpiresAt };
  });
  const id = await during(worker, async () => {
    const { id } = await client.enqueue("promised", 1);
    await events.until("acked");
    return id;
  });
  const result = (await client.job(id)).result as { before: null; after: string; kept: string };
  expect(result).toEqual({ before: null, after: expect.any(String), kept: result.after });
});

test("a quiet worker finishes what it has and fetches nothing until it is resumed; one that is told to stop leaves", async () => {
  const { worker, events } = make({ workerId: "told", leaseSeconds: 3, waitMs: 60_000 });
  const finish = gate();
  worker.handle("told", () => finish.promise);
  const first = await client.enqueue("told", 1);
  const run = worker.run();
  await events.until("started");
  await client.orderWorker("told", "quiet");
  await events.until("ordered");
  const second = await client.enqueue("told", 2);
  finish.open();
  await events.until("acked");
  expect(await client.workers()).toContainEqual(expect.objectContaining({ id: "told", order: "quiet", capabilities: ["quiet", "stop"] }));
  expect((await client.job(second.id)).state).toBe("pending");
  await client.orderWorker("told", "");
  await events.until("acked", 2);
  await client.orderWorker("told", "stop");
  await run;
  expect(events.of("ordered").map(({ order }) => order)).toEqual(["quiet", "", "stop"]);
  expect((await client.jobs([first.id, second.id])).map(({ state }) => state)).toEqual(["completed", "completed"]);
  // It has said that it leaves: the order was for it and not for the next of that name.
  expect((await client.workers()).find(({ id }) => id === "told")?.order).toBe("");
  await expect(client.orderWorker("nobody", "stop")).rejects.toMatchObject({ reason: "NOT_FOUND", field: "id" });
});

test("a handler that throws fails the attempt with its words; the next one finds the checkpoint", async () => {
  const { worker, events } = make();
  const checkpoints: unknown[] = [];
  worker.handle("throws", async (payload, context) => {
    checkpoints.push(context.job.checkpoint);
    await context.checkpoint({ page: context.job.attempt });
    await context.progress({ percent: 50 });
    if (context.job.attempt === 1) throw new Error(`cannot do ${JSON.stringify(payload)}`);
    if (context.job.attempt === 2) throw { status: 503 };
    return 1n;
  });
  const id = await during(worker, async () => {
    const { id } = await client.enqueue("throws", [1], { backoff: "none" });
    await events.until("failed", 3);
    return id;
  });
  expect(checkpoints).toEqual([undefined, { page: 1 }, { page: 2 }]);
  const job = await client.job(id);
  expect(job).toMatchObject({ state: "dead", attempt: 3, checkpoint: { page: 3 }, progress: { percent: 50 } });
  expect(job.errors.map(({ error }) => error)).toEqual(["cannot do [1]", "{ status: 503 }", "Do not know how to serialize a BigInt"]);
  expect(job.errors[0].backtrace).toContain("worker.test.ts");
  expect(events.of("failed").map(({ status }) => status)).toEqual(["retrying", "retrying", "dead"]);
});

test("a result that the server does not take fails the attempt; its neighbours are acknowledged", async () => {
  const { worker, events } = make();
  worker.handle("large", (bytes) => "x".repeat(bytes as number));
  const ids = await during(worker, async () => {
    const added = await client.enqueueMany([1, 300_000, 2, 5_000_000].map((bytes) => ({ job: "large", payload: bytes, options: { maxAttempts: 1 } })));
    await Promise.all([events.until("acked", 2), events.until("failed", 2)]);
    return added.map(({ id }) => id);
  });
  const jobs = await client.jobs(ids);
  expect(jobs.map(({ state }) => state)).toEqual(["completed", "dead", "completed", "dead"]);
  expect(jobs[1].errors[0].error).toMatch(/result/);
  expect(jobs[3].errors[0].error).toBe("the result is too large: 5000002 characters");
});

test("a cancelled job fires its handler's signal by the next word of the server; its result counts for nothing", async () => {
  const { worker, events } = make({ leaseSeconds: 3 });
  const begun = gate<JobContext>();
  const aborted = gate<unknown>();
  worker.handle("cancelled", async (_, context) => {
    context.signal.addEventListener("abort", () => aborted.open(context.signal.reason));
    begun.open(context);
    await aborted.promise;
    await expect(context.progress({ still: "here" })).rejects.toMatchObject({ reason: "LEASE_LOST" });
    void context.checkpoint({ not: "awaited" });
    return "too late";
  });
  const id = await during(worker, async () => {
    const { id } = await client.enqueue("cancelled", 1);
    await begun.promise;
    expect(await client.cancel(id)).toBe("cancelling");
    expect(await aborted.promise).toBeInstanceOf(CorvoError); // a heartbeat is due after a second
    await events.until("lease_lost");
    return id;
  });
  expect(await client.job(id)).toMatchObject({ state: "cancelled", result: undefined });
  expect(events.all.map(({ type }) => type)).toEqual(["started", "lease_lost"]);
});

test("an acknowledgement that took effect and whose answer was lost counts once, and the worker knows", async () => {
  const proxy = await CuttingProxy.start(server.address);
  const through = connect({ url: proxy.url, backoff: { baseMs: 1, capMs: 10 } });
  const events = new Events();
  const finish = gate();
  const worker = new Worker(through, { signals: false, onEvent: events.onEvent }).handle("unheard", () => finish.promise);
  const { id } = await client.enqueue("unheard", 1);
  await during(worker, async () => {
    await events.until("started");
    proxy.mute = true;
    finish.open();
    for await (const _ of client.subscribe({ jobIds: [id], types: ["completed"] })) break;
    proxy.mute = false;
    proxy.cut();
    await events.until("acked");
  });
  expect(events.of("acked")).toHaveLength(1);
  expect(events.of("ack_refused")).toEqual([]);
  expect(events.of("connection_lost").map((event) => event.during)).toContain("ack");
  through.close();
  await proxy.end();
});

test("fetches no more than it may: hands, then prefetch", async () => {
  const { worker, events } = make({ concurrency: 2, prefetch: 3 });
  const open = gate();
  worker.handle("bounds", () => open.promise);
  await client.enqueueMany(Array.from({ length: 12 }, (_, n) => ({ job: "bounds", payload: n })));
  await during(worker, async () => {
    await events.until("started", 2);
    expect(await queueNamed("bounds")).toMatchObject({ active: 5, pending: 7 });
    expect(events.of("started")).toHaveLength(2);
    open.open();
    await events.until("acked", 12);
  });
  expect(await queueNamed("bounds")).toMatchObject({ active: 0, completed: 12 });
});

test("several queues: each in turn, or strictly in their order", async () => {
  const orderOf = async (order: "fair" | "strict"): Promise<string> => {
    const { worker, events } = make({ concurrency: 1, order });
    const names = ["a", "b", "c"].map((name) => `${order}.${name}`);
    for (const name of names) worker.handle(name, () => {});
    await client.enqueueMany(names.flatMap((job) => [1, 2].map((payload) => ({ job, payload }))));
    await during(worker, () => events.until("acked", 6));
    return events
      .of("started")
      .map(({ job }) => job.queue.at(-1))
      .join("");
  };
  expect(await orderOf("fair")).toBe("abcabc");
  expect(await orderOf("strict")).toBe("aabbcc");
});

test("an idle worker stops at once, and the server grants it nothing any more", async () => {
  const { worker } = make({ waitMs: 60_000 });
  worker.handle("idle", () => {});
  const run = worker.run();
  await client.serverInfo(); // the same connection: the fetch has arrived
  const start = performance.now();
  worker.stop();
  await run;
  expect(performance.now() - start).toBeLessThan(30_000);
  await client.serverInfo();
  const { id } = await client.enqueue("idle", 1);
  expect((await client.job(id)).state).toBe("pending");
});

test("stopping finishes what is in hand, prefetched jobs too", async () => {
  const { worker, events } = make({ concurrency: 1, prefetch: 4 });
  worker.handle("finish", () => {
    worker.stop();
  });
  await client.enqueueMany(Array.from({ length: 5 }, (_, n) => ({ job: "finish", payload: n })));
  await worker.run();
  expect(events.of("acked")).toHaveLength(5);
  expect(await queueNamed("finish")).toMatchObject({ completed: 5, active: 0 });
});

test("what does not finish in time is told by its signal and given back, and no attempt is counted", async () => {
  const { worker, events } = make({ shutdownTimeoutMs: 50 });
  const reasons: unknown[] = [];
  worker.handle("hangs", (_, { signal }) => {
    signal.addEventListener("abort", () => reasons.push(signal.reason));
    worker.stop();
    return new Promise(() => {});
  });
  const [first, last] = await client.enqueueMany([
    { job: "hangs", payload: 1, options: { backoff: "none" } },
    { job: "hangs", payload: 2, options: { maxAttempts: 1 } },
  ]);
  await worker.run();
  expect(reasons).toMatchObject([{ reason: "SHUTDOWN" }, { reason: "SHUTDOWN" }]);
  expect(events.all.map(({ type }) => type).sort()).toEqual(["given_up", "given_up", "released", "released", "started", "started"]);
  for (const { id } of [first, last]) expect(await client.job(id)).toMatchObject({ state: "pending", attempt: 0, errors: [] });
});

test("a handler's steps: one that keeps the job, one that ends it; each whole", async () => {
  const added: string[] = [];
  const other = make({});
  other.worker.handle("book2", async (_payload, context) => {
    const kept = await context.step({ keep: true, checkpoint: { page: 1 }, jobs: [{ job: "page", payload: 1 }] });
    const ended = await context.step({ result: { pages: 2 }, usage: { costUsd: 0.25 }, jobs: [{ job: "page", payload: 2 }] });
    added.push(kept.state, ended.state, ...kept.jobIds, ...ended.jobIds);
    other.worker.stop();
    return "not this";
  });
  const { id } = await client.enqueue("book2", {});
  await other.worker.run();
  expect(added.slice(0, 2)).toEqual(["active", "completed"]);
  expect(await client.job(id)).toMatchObject({ state: "completed", result: { pages: 2 }, checkpoint: { page: 1 } });
  for (const child of added.slice(2)) expect(await client.job(child)).toMatchObject({ queue: "page", parentId: id });
  expect(other.events.of("acked")).toHaveLength(1);
});

test("after the end nothing holds the process: no timers, no listeners", async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const signals = (): number => process.listenerCount("SIGTERM") + process.listenerCount("SIGINT");
  await client.serverInfo();
  const before = { timers: timers(), signals: signals() };
  const events = new Events();
  const worker = new Worker(client, { onEvent: events.onEvent }).handle("quiet", () => {});
  await client.enqueue("quiet", 1);
  await during(worker, async () => {
    expect(signals()).toBe(before.signals + 2);
    await events.until("acked");
  });
  expect(signals()).toBe(before.signals);
  await expect.poll(timers, { timeout: 20_000 }).toBeLessThanOrEqual(before.timers); // the test runner has its own
});

test("mistakes of the program are named", async () => {
  expect(() => make({ concurrency: 0 })).toThrow("concurrency must be 1 to 10000, not 0");
  expect(() => make({ leaseSeconds: 2 })).toThrow("leaseSeconds must be 3 to 86400, not 2");
  expect(() => make({ workerId: "w".repeat(256) })).toThrow("workerId is longer than 255 bytes");
  expect(() => make({ shutdownTimeoutMs: Number.NaN })).toThrow(/^shutdownTimeoutMs must be/);
  await expect(make().worker.run()).rejects.toThrow("at least one handler");
  const { worker } = make();
  worker.handle("twice", () => {});
  expect(() => worker.handle("twice", () => {})).toThrow('queue "twice" has a handler already');
  expect(() => worker.handle("", () => {})).toThrow("a queue's name has 1 to 255 bytes");
  worker.stop();
  await worker.run();
  await expect(worker.run()).rejects.toThrow("a worker runs once");
});
