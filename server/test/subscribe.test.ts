import type { SubscribeEvent } from "@corvo/gen/corvo/v1/worker_pb.js";
import { beforeAll, describe, expect, it } from "vitest";
import { type Clients, clients, serve, type TestServer } from "./harness.js";

let server: TestServer;
let rpc: Clients;
beforeAll(async () => {
  server = await serve();
  ({ rpc } = server);
});

/** Reads events until `count` came, then leaves. */
async function read(count: number, wish: Parameters<Clients["worker"]["subscribe"]>[0], client = rpc): Promise<SubscribeEvent[]> {
  const abort = new AbortController();
  const events: SubscribeEvent[] = [];
  try {
    for await (const event of client.worker.subscribe(wish, { signal: abort.signal })) if (events.push(event) === count) break;
  } finally {
    abort.abort();
  }
  return events;
}

async function lifeOf(queue: string): Promise<string> {
  const { jobId } = await rpc.worker.enqueue({ queue, maxRetries: 5 });
  await rpc.worker.fetch({ queues: [queue], workerId: "w" });
  await rpc.worker.heartbeat({ jobs: { [jobId]: { progressJson: '{"half":true}' } } });
  await rpc.worker.fail({ jobId, error: "e" });
  await rpc.job.holdJob({ jobId });
  await rpc.job.approveJob({ jobId });
  await rpc.worker.fetch({ queues: [queue], workerId: "w" });
  await rpc.worker.ack({ jobId });
  return jobId;
}
const life = ["enqueued", "started", "progress", "failed", "retrying", "held", "approved", "started", "completed"];
const ofJobs = [...new Set(life)];

describe("Subscribe", () => {
  it.each(["connect", "connect json http/1.1", "grpc", "grpc-web"] as const)("tells a job's whole life in order over %s", async (protocol) => {
    const queue = `life-${protocol}`;
    const jobId = await lifeOf(queue);
    const events = await read(life.length, { queues: [queue], types: ofJobs }, clients(server.url, protocol));
    expect(events.map((event) => event.type)).toEqual(life);
    for (const event of events) expect(event).toMatchObject({ jobId, queue });
    expect(events[2].dataJson).toBe('{"half":true}');
    for (let i = 1; i < events.length; i++) expect(events[i].seq > events[i - 1].seq && events[i].atNs >= events[i - 1].atNs).toBe(true);
    expect(Math.abs(Number(events[0].atNs / 1_000_000n) - Date.now())).toBeLessThan(60_000);
  });

  it("goes on behind a position, and filters by job and type", async () => {
    const jobId = await lifeOf("filter");
    const all = await read(life.length, { jobIds: [jobId] });
    expect((await read(2, { jobIds: [jobId], types: ["started"] })).map((e) => e.seq)).toEqual([all[1].seq, all[7].seq]);
    expect((await read(3, { queues: ["filter"], lastEventId: all[5].seq })).map((e) => e.type)).toEqual(["approved", "started", "completed"]);
  });

  it("a sleeping subscriber hears of an event within milliseconds", async () => {
    const seen: { at: number; jobId: string }[] = [];
    const abort = new AbortController();
    let heard = (): void => {};
    const listening = (async () => {
      for await (const event of rpc.worker.subscribe({ queues: ["live"], types: ["enqueued"] }, { signal: abort.signal })) {
        seen.push({ at: performance.now(), jobId: event.jobId });
        heard();
      }
    })().catch(() => "left");
    const gaps: number[] = [];
    for (let i = 0; i < 10; i++) {
      const told = new Promise<void>((resolve) => {
        heard = resolve;
      });
      const { jobId } = await rpc.worker.enqueue({ queue: "live" });
      const from = performance.now();
      await told;
      expect(seen[i].jobId).toBe(jobId);
      gaps.push(Math.max(0, seen[i].at - from));
    }
    gaps.sort((a, b) => a - b);
    console.log(`  from an enqueue's answer to the event: median ${gaps[5].toFixed(1)} ms, slowest ${gaps[9].toFixed(1)} ms`);
    abort.abort();
    expect(await listening).toBe("left");
  });

  it("many subscribers hear the same", async () => {
    const readers = Array.from({ length: 20 }, () => read(3, { queues: ["many"], types: ["enqueued"] }));
    for (let i = 0; i < 3; i++) await rpc.worker.enqueue({ queue: "many" });
    const [first, ...others] = await Promise.all(readers);
    for (const other of others) expect(other).toEqual(first);
  });
});
