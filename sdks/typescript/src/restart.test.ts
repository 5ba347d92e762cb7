import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, Worker } from "./index.js";
import { Events } from "./testing/events.js";
import { TestServer } from "./testing/server.js";

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => server.end());

const jobs = 2_000;
const kills = 2;

test("workers ride over kill -9 of their server: every job is completed, none is accepted twice", async () => {
  const options = { url: server.url, backoff: { baseMs: 20, capMs: 200 }, tries: 1_000 };
  const client = connect(options);
  const clients = [client, connect(options), connect(options)];
  const events = new Events();
  // What a lost answer granted comes back when its lease ends: as short a one as there is.
  const workers = clients.slice(1).map((own) => {
    const worker = new Worker(own, { signals: false, concurrency: 16, prefetch: 16, leaseSeconds: 3, onEvent: events.onEvent });
    return worker.handle("ride", (payload) => ({ n: payload }));
  });
  const runs = workers.map((worker) => worker.run());
  const ids: string[] = [];
  const produce = async (from: number): Promise<void> => {
    for (let n = from; n < jobs; n += 400) {
      const batch = Array.from({ length: 100 }, (_, i) => ({ job: "ride", payload: n + i }));
      for (const [i, { id }] of (await client.enqueueMany(batch)).entries()) ids[n + i] = id;
    }
  };
  const producing = Promise.all([0, 100, 200, 300].map(produce));
  for (let kill = 1; kill <= kills; kill++) {
    await events.until("acked", (jobs * kill) / (kills + 2));
    await server.kill();
    await server.start();
  }
  await producing;
  // Counted by the server: an acknowledgement that was settled by looking the job up is an event too.
  const listening = client.subscribe({ queues: ["ride"], types: ["completed"] });
  const completed = new Map<string, number>();
  for (const id of ids) completed.set(id, 0);
  for await (const { jobId } of listening) {
    completed.set(jobId, (completed.get(jobId) ?? 0) + 1);
    if (completed.size !== jobs) throw new Error(`${jobId} was never added`);
    if ([...completed.values()].every((count) => count > 0)) break;
  }
  for (const worker of workers) worker.stop();
  await Promise.all(runs);

  expect([...completed.values()].filter((count) => count !== 1)).toEqual([]);
  const accepted = new Map<string, number>();
  for (const { job } of events.of("acked")) accepted.set(job.id, (accepted.get(job.id) ?? 0) + 1);
  expect([...accepted.values()].filter((count) => count !== 1)).toEqual([]);
  expect(accepted.size).toBe(jobs);
  for (let at = 0; at < jobs; at += 1_000) {
    const found = await client.jobs(ids.slice(at, at + 1_000));
    expect(found.filter(({ state, payload, result }) => state !== "completed" || (result as { n: unknown }).n !== payload)).toEqual([]);
    expect(found).toHaveLength(1_000);
  }
  expect(events.of("connection_lost").length).toBeGreaterThan(0);
  for (const own of clients) own.close();
});

test("a worker waits for a server that is not there yet", async () => {
  await server.kill();
  const client = connect({ url: server.url, backoff: { baseMs: 10, capMs: 50 }, tries: 1_000 });
  const events = new Events();
  const worker = new Worker(client, { signals: false, onEvent: events.onEvent }).handle("early", () => {});
  const run = worker.run();
  expect(await events.until("connection_lost", 3)).toMatchObject(Array(3).fill({ during: "fetch", error: { reason: "UNAVAILABLE" } }));
  const adding = client.enqueue("early", 1);
  await server.start();
  await adding;
  await events.until("acked");
  await server.kill();
  await events.until("connection_lost", events.of("connection_lost").length + 1);
  worker.stop(); // also while nobody answers
  await run;
  client.close();
});
