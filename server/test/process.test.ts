import { afterAll, describe, expect, it } from "vitest";
import { clients, temporaryDirectory } from "./harness.js";
import { startProcess } from "./process.js";
import { Rest } from "./rest.js";

const rests: Rest[] = [];
afterAll(() => {
  for (const rest of rests) rest.close();
});
function restOf(port: number): Rest {
  const rest = new Rest(port);
  rests.push(rest);
  return rest;
}

describe("a restart", () => {
  it("keeps every state, document, setting and request id", async () => {
    const dir = temporaryDirectory();
    let server = await startProcess(dir);
    console.log(`  from the process's start to serving on an empty folder: ${(performance.now() - server.startedMs).toFixed(0)} ms`);
    let rest = restOf(server.port);
    const ids = [
      await rest.add("keep", { payload: { a: 1 }, tags: { t: 1 } }),
      await rest.add("keep"),
      await rest.add("keep", { scheduled_at: new Date(Date.now() + 3_600_000).toISOString() }),
    ];
    const active = await rest.take("keep", 30);
    await rest.post("heartbeat", { jobs: { [active.job_id]: { progress: { p: 1 } } } });
    const dead = await rest.add("keep2", { max_retries: 1 });
    await rest.take("keep2");
    await rest.post(`fail/${dead}`, { error: "e" });
    const done = await rest.add("keep3");
    await rest.take("keep3");
    await rest.post(`ack/${done}`, { result: { r: 1 } });
    await rest.post("queues/keep2/pause");
    await rest.post("queues/keep3/throttle", { rate: 3, window_ms: 1000 });
    const unique = await rest.add("keep4", { unique_key: "u" });
    const safe = (await rest.post("enqueue", { queue: "keep5", payload: 1 }, { "Idempotency-Key": "k" })).json.job_id;
    const all = [...ids, dead, done, unique, safe];
    const read = async (): Promise<unknown> => [
      // The end of a lease moves by the time that nobody served.
      (await rest.post("jobs/bulk-get", { job_ids: all })).json.jobs.map((job: Record<string, unknown>) => ({
        ...job,
        lease_expires_at: typeof job.lease_expires_at,
      })),
      (await rest.get("queues")).json,
      (await rest.get("workers")).json.map(({ id, hostname, queues }: Record<string, unknown>) => [id, hostname, queues]),
    ];
    const before = await read();
    expect(await server.signal("SIGTERM")).toBe(0);

    for (const clean of [true, false]) {
      server = await startProcess(dir);
      rest = restOf(server.port);
      expect((await server.line(/data directory opened.*clean_stop=(\w+)/))[1]).toBe(String(clean));
      expect(await read()).toEqual(before);
      expect((await rest.post("enqueue", { queue: "keep5", payload: 1 }, { "Idempotency-Key": "k" })).json.job_id).toBe(safe);
      expect((await rest.post("enqueue", { queue: "keep4", unique_key: "u" })).json).toEqual({
        job_id: unique,
        status: "duplicate",
        unique_existing: true,
        unique_job_id: unique,
      });
      await server.signal("SIGKILL");
    }
    server = await startProcess(dir);
    rest = restOf(server.port);
    // Downtime ends no lease: the fence from before the restarts is still the right one.
    expect((await rest.post(`ack/${active.job_id}`, { fence: active.fence })).status).toBe(200);
    expect(await server.signal("SIGINT")).toBe(0);
  });
});

describe("SIGTERM", () => {
  it("answers who waits, ends streams, exits with 0 and seals the log", async () => {
    const dir = temporaryDirectory();
    const server = await startProcess(dir, { "shutdown-timeout": "10s" });
    const rest = restOf(server.port);
    const rpc = clients(server.url);
    await rest.add("throttled");
    await rest.add("throttled");
    await rest.post("queues/throttled/throttle", { rate: 1, window_ms: 3_600_000 });
    await rest.take("throttled");
    const polls = [
      rest.post("fetch", { queues: ["none"], timeout: 60 }).then((a) => a.status),
      rest.post("fetch", { queues: ["throttled"], timeout: 60 }).then((a) => a.status),
      rest.post("fetch/batch", { queues: ["none"], timeout: 60 }).then((a) => a.json.jobs),
      rpc.worker.fetch({ queues: ["none"], leaseDuration: 60 }).then((a) => a.found),
    ];
    const subscription = (async () => {
      for await (const event of rpc.worker.subscribe({ queues: ["never"] })) throw new Error(event.type);
    })().catch((error: Error) => error.message);
    const stream = (async () => {
      async function* frames() {
        yield { requestId: 1n, queues: ["none"], fetchCount: 1, waitMs: 60_000 };
        await new Promise<void>(() => {});
      }
      for await (const answer of rpc.worker.streamLifecycle(frames())) expect(answer.jobs).toEqual([]);
    })().catch((error: Error) => error.message);
    while (Number(/corvo_fetch_waiters (\d+)/.exec((await rest.get("metrics")).text)?.[1]) < 5);
    const from = performance.now();
    const exit = server.signal("SIGTERM");
    expect(await Promise.all(polls)).toEqual([204, 204, [], false]);
    expect(await subscription).toContain("shutting down");
    expect(await stream).toContain("shutting down");
    expect(await exit).toBe(0);
    console.log(`  from SIGTERM to the end: ${(performance.now() - from).toFixed(0)} ms`);
    expect(performance.now() - from).toBeLessThan(30_000);
    expect(server.lines.join("\n")).toMatch(/received shutdown signal.*signal=SIGTERM[\s\S]*corvo server stopped/);
    rpc.close();
    const again = await startProcess(dir);
    expect((await again.line(/clean_stop=(\w+)/))[1]).toBe("true");
    await again.signal("SIGTERM");
  });

  it("under load: every call is answered or cut, and what was answered is there", async () => {
    const dir = temporaryDirectory();
    const server = await startProcess(dir, { "shutdown-timeout": "5s" });
    const rest = restOf(server.port);
    const acknowledged: string[] = [];
    let refused = 0;
    let answered = (): void => {};
    const hundred = new Promise<void>((resolve) => {
      answered = resolve;
    });
    const loops = Array.from({ length: 8 }, async () => {
      try {
        for (;;) {
          const { status, json } = await rest.post("enqueue", { queue: "load" });
          if (status !== 201) {
            refused++;
            return;
          }
          if (acknowledged.push(json.job_id) === 100) answered();
        }
      } catch {
        refused++; // the connection has ended
      }
    });
    await hundred;
    expect(await server.signal("SIGTERM")).toBe(0);
    await Promise.all(loops);
    expect(refused).toBe(8);
    const again = await startProcess(dir);
    const after = restOf(again.port);
    const found = new Set<string>();
    for (let at = 0; at < acknowledged.length; at += 1000)
      for (const { id } of (await after.post("jobs/bulk-get", { job_ids: acknowledged.slice(at, at + 1000) })).json.jobs) found.add(id);
    expect(acknowledged.filter((id) => !found.has(id))).toEqual([]);
    await again.signal("SIGTERM");
  });

  it("idle connections do not hold it up", async () => {
    const server = await startProcess(temporaryDirectory(), { "shutdown-timeout": "60s" });
    const rest = restOf(server.port);
    await rest.get("/healthz");
    const rpc = clients(server.url);
    await rpc.worker.getServerInfo({});
    expect(await server.signal("SIGTERM")).toBe(0);
    rpc.close();
  });
});
