import type { Transport } from "@connectrpc/connect";
import type { Backoff } from "./retry.js";

/** How long and how often calls are tried. */
export interface RetryOptions {
  /** Longest time of a call including its repeats, in ms. Default 30,000. A fetch adds its wait. */
  timeoutMs?: number;
  /** Tries of a call. Default 10: some 8 s of waits together, rides over a restart of the server. 1: never repeat. */
  tries?: number;
  backoff?: Backoff;
}

export interface ClientOptions extends RetryOptions {
  /** How calls travel. `connect` and `connectWeb` make one. */
  transport: Transport;
  /** Ends what the transport holds open. */
  onClose?: () => void;
}

/** Of one call. */
export interface CallOptions {
  /** Ends the call with reason `CANCELLED`; whether it took effect is then unknown. */
  signal?: AbortSignal;
  /** Instead of the client's. */
  timeoutMs?: number;
}

/** Of one call that changes something. */
export interface ChangeOptions extends CallOptions {
  /**
   * The same id within an hour answers as the first time, up to 128 bytes. Default: a random one per call, so that the client may repeat
   * it. Give your own to make a repeat by your program safe too, for example the id of a webhook delivery.
   */
  requestId?: string;
}

export interface Enqueued {
  id: string;
  status: "pending" | "scheduled" | "duplicate";
  /** True when the unique key was held: nothing was created, `id` is the holder's. */
  duplicate: boolean;
}

export interface FetchOptions extends CallOptions {
  /** Jobs at most, 1 to 10,000. Default 1. */
  count?: number;
  /** Lease, 1 to 86,400 s. Default 60. */
  leaseSeconds?: number;
  /** How long the server waits for the first job, in ms; 0: not at all. Default and at most: as long as the lease, and never above 60,000. */
  waitMs?: number;
  /** Name of the worker, at most 255 bytes. */
  workerId?: string;
  hostname?: string;
}

/** Of a call about a leased job. */
export interface LeaseOptions extends ChangeOptions {
  /** From the fetch: refused when the lease is no longer that one. Without it the state of the lease decides. */
  fence?: bigint;
}
