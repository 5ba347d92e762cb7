import type { Refusal } from "@corvo/protocol";
import { refuse } from "@corvo/protocol";

/** What a caller of the replica hands in: a verb and the public request in protobuf, already validated at the door. */
export interface CommandInput {
  /** Number of corvo.internal.v1.Verb. */
  verb: number;
  /** Command.flags. */
  flags: number;
  /** Namespace; empty: `default`. */
  namespace: string;
  /** Who asked; empty: nobody in particular. */
  principal: string;
  /** First 16 bytes of the request's hash when it has a request id, else undefined. */
  requestHash: Uint8Array | undefined;
  /** Who shares the node with whom: a name or an address. Undefined: the node itself, which never waits. */
  client?: string;
  /** Copied before `submit` returns. */
  body: Uint8Array;
}

/** Who waits for a command. Called exactly once. */
export interface Reply {
  /** The command was applied. `bytes` are valid only during the call. `granted`: jobs leased by this command. */
  answer(bytes: Uint8Array, granted: number): void;
  refused(refusal: Refusal): void;
}

/** Those who wait for the commands of one entry, in the commands' order. */
export class Batch {
  readonly replies: (Reply | undefined)[] = [];
  get commands(): number {
    return this.replies.length;
  }
  /** Tells everybody who still waits. */
  refuseAll(refusal: Refusal): void {
    for (const reply of this.replies) reply?.refused(refusal);
    this.replies.length = 0;
  }
}

export const notLeader = (): Refusal => refuse("unavailable", "NOT_LEADER", "this node does not lead; try again", { retryAfterMs: 100 });
export const shuttingDown = (): Refusal => refuse("unavailable", "SHUTTING_DOWN", "the server is shutting down", { retryAfterMs: 1000 });
export const outcomeUnknown = (): Refusal =>
  refuse("unknown", "OUTCOME_UNKNOWN", "leadership was lost before the command was known to be durable: it may or may not have happened");

/**
 * Refusal for too many waiting commands; the hint grows with the backlog (spec/rpc.md §8: 1 + 8·backlog/limit scored into
 * 1–2, 2–3, 5–7 and 10–12 ms).
 */
export function overloaded(waiting: number, limit: number): Refusal {
  const score = 1 + (8 * waiting) / limit;
  const retryAfterMs = score >= 12 ? 11 : score >= 8 ? 6 : score >= 5 ? 3 : 2;
  return refuse("resource_exhausted", "OVERLOADED", "raft apply overloaded: pending queue is full", { retryAfterMs });
}
