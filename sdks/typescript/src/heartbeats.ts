import type { CorvoClient } from "./client.js";
import type { Delivery } from "./delivery.js";
import { type CorvoError, toCorvoError } from "./errors.js";
import { pause } from "./retry.js";
import type { WorkerFacts, WorkerOrder } from "./views.js";

/** Jobs per call: one call must not hold up the others of a busy server. */
const jobsPerCall = 1_000;

/**
 * Says that the worker is there and renews the leases of all deliveries in hand: a call per interval, until the signal
 * fires. Only the server's word ends a lease: while it is away leases stand still (they count its serving time), so silence is no reason
 * to give up work, and without work it is no trouble at all.
 */
export async function heartbeats(
  client: CorvoClient,
  held: ReadonlyMap<string, Delivery>,
  worker: WorkerFacts | undefined,
  intervalMs: number,
  signal: AbortSignal,
  onError: (error: CorvoError) => void,
  onOrder: (order: WorkerOrder) => void,
): Promise<void> {
  const beat = async (part: readonly Delivery[]): Promise<void> => {
    try {
      const { jobs, order } = await client.beat(new Map(part.map(({ job }) => [job.id, { fence: job.fence }])), { timeoutMs: intervalMs, signal, worker });
      onOrder(order);
      for (const delivery of part) delivery.renewed(jobs.get(delivery.job.id));
    } catch (thrown) {
      if (part.length > 0 && !signal.aborted) onError(toCorvoError(thrown));
    }
  };
  if (worker) void beat([]);
  for (let nextMs = performance.now() + intervalMs; ; nextMs = Math.max(nextMs + intervalMs, performance.now())) {
    await pause(Math.max(0, nextMs - performance.now()), signal);
    if (signal.aborted) return;
    const mine = [...held.values()].filter((delivery) => delivery.state !== "lost");
    if (mine.length === 0 && worker) await beat([]);
    for (let at = 0; at < mine.length; at += jobsPerCall) await beat(mine.slice(at, at + jobsPerCall));
  }
}
