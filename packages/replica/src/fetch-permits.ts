import { type Refusal, refuse } from "@corvo/protocol";
import type { Reply } from "./turn.js";

/**
 * At most so many fetches of one queue are on their way through the log at a time; those that sleep do not count. A fetch counts for the
 * first queue that it names. Nothing here needs it, as fetches share entries: it is for operators who want to hold back one queue's workers.
 */
export class FetchPermits {
  private readonly underWay = new Map<string, number>();

  constructor(private readonly max: number) {}

  /** The reply that gives the permit back, or why there is none. */
  take(queue: string, reply: Reply): Reply | Refusal {
    const count = this.underWay.get(queue) ?? 0;
    if (count >= this.max) return overloadedQueue(queue);
    this.underWay.set(queue, count + 1);
    return {
      answer: (bytes, granted) => {
        this.give(queue);
        reply.answer(bytes, granted);
      },
      refused: (refusal) => {
        this.give(queue);
        reply.refused(refusal);
      },
    };
  }

  private give(queue: string): void {
    const count = this.underWay.get(queue)! - 1;
    if (count === 0) this.underWay.delete(queue);
    else this.underWay.set(queue, count);
  }
}

/** The hint is 2 to 7 ms, as in v0.3 (spec/rpc.md §8), and not the same for all that are refused together. */
let turn = 0;
function overloadedQueue(queue: string): Refusal {
  const retryAfterMs = 2 + (turn++ % 6);
  return refuse("resource_exhausted", "OVERLOADED", `raft apply overloaded for fetch queue "${queue}"`, { retryAfterMs, field: "queues" });
}
