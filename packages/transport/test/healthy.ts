import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";

/** A well-behaved caller beside an abuser: one call after the other; says how long the slowest took. */
export async function besides(url: string, abuse: () => Promise<void>): Promise<{ calls: number; slowestMs: number }> {
  const client = createClient(WorkerService, createConnectTransport({ baseUrl: url, httpVersion: "2" }));
  await client.enqueue({ queue: "warm" });
  let over = false;
  let calls = 0;
  let slowestMs = 0;
  const loop = (async () => {
    while (!over) {
      const from = performance.now();
      await client.enqueue({ queue: "healthy" });
      slowestMs = Math.max(slowestMs, performance.now() - from);
      calls++;
    }
  })();
  await abuse();
  over = true;
  await loop;
  return { calls, slowestMs };
}

/** What `run` took, in ms. */
export async function timed<T>(run: () => Promise<T>): Promise<[T, number]> {
  const from = performance.now();
  const result = await run();
  return [result, performance.now() - from];
}

export async function until(true_: () => boolean): Promise<void> {
  while (!true_()) await new Promise((resolve) => setTimeout(resolve, 5));
}
