import { hostname } from "node:os";
import type { CorvoError } from "./errors.js";
import { defaultWorkerId } from "./node.js";
import { checkedMs } from "./retry.js";
import type { FetchedJob, WorkerOrder } from "./views.js";

export interface WorkerOptions {
  /** Handlers that run at a time, 1 to 10,000. Default 10. */
  concurrency?: number;
  /**
   * Jobs fetched ahead of free hands, 0 to 10,000. Default 0: no job waits here while another worker is idle. Raise it for jobs of a few
   * milliseconds: a fetch takes one or two itself.
   */
  prefetch?: number;
  /**
   * Lease, 3 to 86,400 s; renewed at a third of it. Default 60: long enough for a pause and a retry, short enough that a dead worker's job
   * moves on.
   */
  leaseSeconds?: number;
  /** At most 255 bytes. Default: host and process id. */
  workerId?: string;
  hostname?: string;
  /**
   * Which queue is asked first, with handlers for several. `fair`: each in turn. `strict`: always in the order of their handlers; a queue
   * is served when those before it have nothing. Default `fair`.
   */
  order?: "fair" | "strict";
  /** How long running jobs may finish after `stop`. Default 30,000 ms. */
  shutdownTimeoutMs?: number;
  /** Stop on SIGTERM and SIGINT; a second one ends the process as usual. Default true. */
  signals?: boolean;
  /** How long a fetch waits on the server for a job, at most 60,000 ms. Default 20,000. */
  waitMs?: number;
  /** Told what a person or a metric may want to know. Default: nobody. */
  onEvent?: (event: WorkerEvent) => void;
}

export type WorkerEvent =
  /** A handler begins. */
  | { type: "started"; job: FetchedJob }
  /** The job is completed, on disk. At most once per delivery. */
  | { type: "acked"; job: FetchedJob }
  /** The handler threw, and the server knows. */
  | { type: "failed"; job: FetchedJob; error: unknown; status: "retrying" | "dead" }
  /** The handler threw, and the server could not be told or did not want to know; the lease decides. */
  | { type: "fail_refused"; job: FetchedJob; error: unknown; cause: CorvoError }
  /** The server says that the job is no longer this worker's; its handler's signal fired. */
  | { type: "lease_lost"; job: FetchedJob }
  /** The result came too late: `NOT_ACTIVE` (cancelled, or the lease ended), `STALE_FENCE` (somebody else has it), `NOT_FOUND`. */
  | { type: "ack_refused"; job: FetchedJob; outcome: string }
  /** Still in hand when the time to stop was over. */
  | { type: "given_up"; job: FetchedJob }
  /** After `given_up`: the server has it back, and another worker can take over. */
  | { type: "released"; job: FetchedJob }
  /** After `given_up`: the server could not be told; the lease ends by itself. */
  | { type: "release_refused"; job: FetchedJob; cause: CorvoError }
  /** An operator wants the worker to be quiet or to stop, which it does by itself; empty: it may work again. */
  | { type: "ordered"; order: WorkerOrder }
  /** Something did not reach the server; it is tried again. */
  | { type: "connection_lost"; during: "fetch" | "ack" | "heartbeat"; error: CorvoError; retryInMs: number };

export type ResolvedWorkerOptions = Required<Omit<WorkerOptions, "onEvent">> & Pick<WorkerOptions, "onEvent">;

/** With the defaults; throws with the name of what is out of range. */
export function resolveWorkerOptions(given: WorkerOptions): ResolvedWorkerOptions {
  return {
    concurrency: within("concurrency", given.concurrency ?? 10, 1, 10_000),
    prefetch: within("prefetch", given.prefetch ?? 0, 0, 10_000),
    leaseSeconds: within("leaseSeconds", given.leaseSeconds ?? 60, 3, 86_400),
    workerId: shortName("workerId", given.workerId ?? defaultWorkerId()),
    hostname: shortName("hostname", given.hostname ?? hostname()),
    order: given.order ?? "fair",
    shutdownTimeoutMs: checkedMs("shutdownTimeoutMs", given.shutdownTimeoutMs ?? 30_000, 0),
    signals: given.signals ?? true,
    waitMs: within("waitMs", given.waitMs ?? 20_000, 1, 60_000),
    onEvent: given.onEvent,
  };
}

function within(name: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  throw new RangeError(`${name} must be ${min} to ${max}, not ${value}`);
}

function shortName(name: string, value: string): string {
  if (Buffer.byteLength(value) <= 255) return value;
  throw new RangeError(`${name} is longer than 255 bytes`);
}
