import type { State } from "../state.js";
import type { Queue } from "../tables/queues.js";

/** Numbers of corvo.v1.ExplainReasonCode. */
export const ReasonCode = {
  ready: 1,
  inLine: 2,
  queuePaused: 3,
  concurrencyLimit: 4,
  throttled: 5,
  scheduled: 6,
  retryBackoff: 7,
  held: 8,
  running: 9,
  leaseWaitsForWorker: 10,
  finished: 11,
  noWorker: 12,
  waitsForJobs: 13,
  dependencyFailed: 14,
  budgetSpent: 15,
  heldByPolicy: 16,
  guardrail: 17,
  expires: 18,
  noLeader: 19,
  heldBack: 20,
} as const;

/** One reason why a job is not running. Times are unix milliseconds. Only what its code needs is given (see the proto). */
export interface Reason {
  code: number;
  /** A sentence. */
  message: string;
  untilMs?: number;
  jobIds?: string[];
  workers?: string[];
  name?: string;
  limit?: number;
  current?: number;
  actor?: string;
  atMs?: number;
  detail?: string;
  /** A command line that changes it. */
  remedy?: string;
}

/** The job that is asked about, and what the asking node knows beside the state. */
export interface Asked {
  readonly s: State;
  readonly row: number;
  readonly id: string;
  readonly queue: Queue;
  /** Number of `JobState`. */
  readonly state: number;
  /** The later of log time and the node's clock. */
  readonly nowMs: number;
  /** A fetch sleeps on the queue right now. */
  readonly fetchWaits: boolean;
  /** 1: next in turn; 0: not pending. */
  readonly place: number;
}

/** Looks for one kind of reason; what it finds goes to the list. It may look only, and at few things: an answer takes under 1 ms. */
export type ReasonFinder = (asked: Asked, found: Reason[]) => void;

/** Names that one reason lists at most. */
export const listedMax = 10;

export function when(ms: number): string {
  return new Date(ms).toISOString();
}
