import type { CorvoClient } from "./client.js";
import { type Delivery, leaseLost } from "./delivery.js";
import { type CorvoError, toCorvoError } from "./errors.js";
import { pause } from "./retry.js";

/** Jobs per call: one call must not hold up the others of a busy server. */
const jobsPerCall = 1_000;

/**
 * Renews the leases of all deliveries in hand, a call per interval, until the signal fires. Only the server's word ends a lease: while it
 * is away leases stand still (they count its serving time), so silence is no reason to give up work.
 */
export async function heartbeats(
  client: CorvoClient,
  held: ReadonlyMap<string, Delivery>,
  intervalMs: number,
  signal: AbortSignal,
  onError: (error: CorvoError) => void,
): Promise<void> {
  for (let nextMs = performance.now() + intervalMs; ; nextMs = Math.max(nextMs + intervalMs, performance.now())) {
    await pause(Math.max(0, nextMs - performance.now()), signal);
    if (signal.aborted) return;
    const mine = [...held.values()].filter((delivery) => delivery.state !== "lost");
    for (let at = 0; at < mine.length; at += jobsPerCall) {
      const part = mine.slice(at, at + jobsPerCall);
      try {
        const answers = await client.heartbeat(new Map(part.map(({ job }) => [job.id, { fence: job.fence }])), { timeoutMs: intervalMs, signal });
        for (const delivery of part) if (answers.get(delivery.job.id) === "cancel") delivery.lose("LEASE_LOST", leaseLost);
      } catch (thrown) {
        if (signal.aborted) return;
        onError(toCorvoError(thrown));
      }
    }
  }
}
