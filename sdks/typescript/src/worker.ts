import { hostname } from "node:os";
import { AckOutcome } from "@corvo/gen/corvo/v1/worker_pb.js";
import { type CorvoClient, type FetchedJob, jsonText, toFetchedJob } from "./client.js";
import { type CorvoError, toCorvoError } from "./errors.js";
import { FrameStream } from "./frames.js";
import type { JobDefinition } from "./job.js";
import { defaultWorkerId } from "./node.js";
import { jitteredMs, pause } from "./retry.js";

export interface WorkerOptions {
  /** Jobs at a time. Default 10. */
  concurrency?: number;
  /** Jobs fetched ahead of free hands. Default 0: a stopping worker leaves nothing behind. Raise it for jobs of under a millisecond. */
  prefetch?: number;
  /** Lease in seconds; renewed at a third of it. Default 60: long enough for a pause and a retry, short enough that a dead worker's job moves on. */
  leaseSeconds?: number;
  /** Default host and process id. */
  workerId?: string;
  hostname?: string;
  /** How long running jobs may finish after `stop`. Default 30,000 ms. */
  shutdownTimeoutMs?: number;
  /** Stop on SIGTERM and SIGINT. Default true. */
  signals?: boolean;
  /** How long a fetch waits for a job on the server, ms, at most 60,000. Default 20,000. */
  waitMs?: number;
  /** Told what a person should know: lost leases, broken connections, refused acknowledgements. Default: nothing. */
  onEvent?: (event: WorkerEvent) => void;
}

export type WorkerEvent =
  | { type: "connection_lost"; error: CorvoError; retryInMs: number }
  | { type: "started"; job: FetchedJob }
  | { type: "acked"; job: FetchedJob }
  | { type: "lease_lost"; job: FetchedJob; reason: string }
  | { type: "ack_refused"; job: FetchedJob; outcome: string }
  | { type: "failed"; job: FetchedJob; error: unknown; status: string };

/** What a handler has in hand beside the payload. */
export interface JobContext {
  job: FetchedJob;
  /** Rises with every delivery: write it beside what you write elsewhere, and let your store refuse smaller ones. */
  fence: bigint;
  /** Fires when the lease is lost (cancelled, timed out) or the worker's time to stop is over. Hand it to `fetch` and the like. */
  signal: AbortSignal;
  /** Stores a checkpoint: the next attempt finds it in `job.checkpoint`. */
  checkpoint(value: Record<string, unknown>): Promise<void>;
  /** Shows progress to those who look at the job. */
  progress(value: Record<string, unknown>): Promise<void>;
}

export type Handler<Payload, Result> = (payload: Payload, context: JobContext) => Promise<Result> | Result;

interface Held {
  job: FetchedJob;
  abort: AbortController;
  started: boolean;
  lost: boolean;
}

interface PendingAck {
  held: Held;
  resultJson: string;
  tries: number;
}

/**
 * Does jobs: fetches over one lifecycle stream, acknowledges over another, so that an acknowledgement never waits behind a fetch that
 * waits for jobs. Delivery is at least once; the fence tells a late attempt from the running one.
 */
export class Worker {
  private readonly handlers = new Map<string, Handler<never, unknown>>();
  private readonly held = new Map<string, Held>();
  private readonly ready: Held[] = [];
  private acks: PendingAck[] = [];
  private wakeAcks: (() => void) | undefined;
  private wakeFetch: (() => void) | undefined;
  private running = 0;
  private stopping = false;
  private readonly stopped = new AbortController();
  private readonly o: Required<Omit<WorkerOptions, "onEvent">> & Pick<WorkerOptions, "onEvent">;
  private readonly fetching: FrameStream;
  private readonly acking: FrameStream;

  constructor(
    private readonly client: CorvoClient,
    options: WorkerOptions = {},
  ) {
    this.o = {
      concurrency: options.concurrency ?? 10,
      prefetch: options.prefetch ?? 0,
      leaseSeconds: options.leaseSeconds ?? 60,
      workerId: options.workerId ?? defaultWorkerId(),
      hostname: options.hostname ?? hostname(),
      shutdownTimeoutMs: options.shutdownTimeoutMs ?? 30_000,
      signals: options.signals ?? true,
      waitMs: options.waitMs ?? 20_000,
      onEvent: options.onEvent,
    };
    if (!(this.o.concurrency >= 1 && this.o.concurrency <= 10_000)) throw new RangeError("concurrency must be 1 to 10,000");
    if (!(this.o.prefetch >= 0 && this.o.prefetch <= 10_000)) throw new RangeError("prefetch must be 0 to 10,000");
    if (!(this.o.leaseSeconds >= 3 && this.o.leaseSeconds <= 86_400)) throw new RangeError("leaseSeconds must be 3 to 86,400");
    this.fetching = new FrameStream(client.rpc.worker);
    this.acking = new FrameStream(client.rpc.worker);
  }

  /** Says how jobs of a kind are done. A handler that throws fails the attempt; what it returns is the job's result. */
  handle<Payload, Result>(job: JobDefinition<Payload, Result> | string, handler: Handler<Payload, Result>): this {
    this.handlers.set(typeof job === "string" ? job : job.queue, handler as Handler<never, unknown>);
    return this;
  }

  /** Works until `stop`, SIGTERM or SIGINT; resolves when everything in hand is finished or given up. */
  async run(): Promise<void> {
    if (this.handlers.size === 0) throw new Error("a worker needs at least one handler: worker.handle(job, …)");
    const onSignal = (): void => void this.stop();
    if (this.o.signals) for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, onSignal);
    const heartbeats = this.heartbeatLoop();
    const acks = this.ackLoop();
    try {
      await this.fetchLoop();
      await this.finish();
    } finally {
      this.stopping = true;
      this.stopped.abort();
      this.wakeAcks?.();
      await Promise.all([heartbeats, acks]);
      this.fetching.end();
      this.acking.end();
      if (this.o.signals) for (const name of ["SIGTERM", "SIGINT"] as const) process.removeListener(name, onSignal);
    }
  }

  /** Stops fetching; `run` resolves when what is in hand is done. */
  stop(): void {
    if (this.stopping) return;
    this.stopping = true;
    this.wakeFetch?.();
    this.fetching.end();
  }

  private async fetchLoop(): Promise<void> {
    for (let failures = 0; !this.stopping; ) {
      const free = this.o.concurrency + this.o.prefetch - this.held.size;
      if (free <= 0) {
        await new Promise<void>((resolve) => {
          this.wakeFetch = resolve;
        });
        continue;
      }
      try {
        const answer = await this.fetching.exchange({
          queues: [...this.handlers.keys()],
          workerId: this.o.workerId,
          hostname: this.o.hostname,
          leaseDuration: this.o.leaseSeconds,
          fetchCount: free,
          waitMs: this.o.waitMs,
        });
        for (const job of answer.jobs) this.take(toFetchedJob(job));
        if (answer.error !== "") await pause(jitteredMs(failures++, this.client.backoff), this.stopped.signal);
        else failures = 0;
      } catch (thrown) {
        if (this.stopping) return;
        const error = toCorvoError(thrown);
        if (error.code === "invalid_argument" || error.code === "unauthenticated" || error.code === "permission_denied") throw error;
        const retryInMs = jitteredMs(failures++, this.client.backoff);
        this.o.onEvent?.({ type: "connection_lost", error, retryInMs });
        await pause(retryInMs, this.stopped.signal);
      }
    }
  }

  private take(job: FetchedJob): void {
    const held: Held = { job, abort: new AbortController(), started: false, lost: false };
    this.held.set(job.id, held);
    this.ready.push(held);
    this.startReady();
  }

  private startReady(): void {
    while (this.running < this.o.concurrency) {
      const held = this.ready.shift();
      if (!held) return;
      if (held.lost) {
        this.release(held);
        continue;
      }
      this.running++;
      held.started = true;
      this.o.onEvent?.({ type: "started", job: held.job });
      void this.work(held).finally(() => {
        this.running--;
        this.startReady();
      });
    }
  }

  private async work(held: Held): Promise<void> {
    const { job } = held;
    const handler = this.handlers.get(job.queue) as Handler<unknown, unknown> | undefined;
    try {
      if (!handler) throw new Error(`no handler for queue "${job.queue}"`);
      const result = await handler(job.payload, this.context(held));
      if (held.lost) return this.release(held);
      this.acks.push({ held, resultJson: jsonText(result), tries: 0 });
      this.wakeAcks?.();
    } catch (error) {
      if (!held.lost) await this.failed(held, error);
      this.release(held);
    }
  }

  private context(held: Held): JobContext {
    const update = async (change: { checkpoint?: Record<string, unknown>; progress?: Record<string, unknown> }): Promise<void> => {
      const answer = await this.client.heartbeat(new Map([[held.job.id, { fence: held.job.fence, ...change }]]));
      if (answer.get(held.job.id) === "cancel") this.lose(held, "the lease was lost");
    };
    return {
      job: held.job,
      fence: held.job.fence,
      signal: held.abort.signal,
      checkpoint: (checkpoint) => update({ checkpoint }),
      progress: (progress) => update({ progress }),
    };
  }

  private async failed(held: Held, thrown: unknown): Promise<void> {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    try {
      const { status } = await this.client.fail(held.job.id, error.message, { backtrace: error.stack, fence: held.job.fence });
      this.o.onEvent?.({ type: "failed", job: held.job, error: thrown, status });
    } catch (cause) {
      // The lease ends by itself and another attempt follows: nothing is lost, somebody should know.
      this.o.onEvent?.({ type: "ack_refused", job: held.job, outcome: toCorvoError(cause).reason });
    }
  }

  /** Sends what is finished, as much as there is at a time. An answer that got lost is asked for again: the fence makes it safe. */
  private async ackLoop(): Promise<void> {
    for (let failures = 0; ; ) {
      if (this.acks.length === 0) {
        if (this.stopped.signal.aborted) return;
        await new Promise<void>((resolve) => {
          this.wakeAcks = resolve;
        });
        continue;
      }
      const batch = this.acks.splice(0, 1000);
      try {
        const answer = await this.acking.exchange({
          workerId: this.o.workerId,
          acks: batch.map(({ held, resultJson }) => ({ jobId: held.job.id, resultJson, fence: held.job.fence })),
        });
        failures = 0;
        if (answer.error !== "" && answer.outcomes.length === 0) throw new Error(answer.error);
        for (const [i, ack] of batch.entries()) this.acked(ack, answer.outcomes[i] ?? AckOutcome.UNSPECIFIED);
      } catch (thrown) {
        for (const ack of batch) ack.tries++;
        this.acks = [...batch, ...this.acks];
        const retryInMs = jitteredMs(failures++, this.client.backoff);
        this.o.onEvent?.({ type: "connection_lost", error: toCorvoError(thrown), retryInMs });
        if (this.stopped.signal.aborted) return;
        await pause(retryInMs, this.stopped.signal);
      }
    }
  }

  private acked(ack: PendingAck, outcome: AckOutcome): void {
    this.release(ack.held);
    if (outcome === AckOutcome.ACKED) this.o.onEvent?.({ type: "acked", job: ack.held.job });
    if (outcome === AckOutcome.ACKED || outcome === AckOutcome.UNSPECIFIED) return;
    // Sent before and not active now: most likely the first time counted and only its answer was lost.
    if (outcome === AckOutcome.NOT_ACTIVE && ack.tries > 0) return;
    this.o.onEvent?.({ type: "ack_refused", job: ack.held.job, outcome: AckOutcome[outcome] });
  }

  /** Renews every lease in hand at a third of its length. */
  private async heartbeatLoop(): Promise<void> {
    for (;;) {
      await pause((this.o.leaseSeconds * 1000) / 3, this.stopped.signal);
      if (this.stopped.signal.aborted) return;
      const mine = [...this.held.values()].filter((held) => !held.lost);
      if (mine.length === 0) continue;
      try {
        const answers = await this.client.heartbeat(new Map(mine.map(({ job }) => [job.id, { fence: job.fence }])));
        for (const held of mine)
          if (answers.get(held.job.id) === "cancel" && this.held.get(held.job.id) === held) this.lose(held, "cancelled, or its lease ended");
      } catch (thrown) {
        this.o.onEvent?.({ type: "connection_lost", error: toCorvoError(thrown), retryInMs: 0 });
      }
    }
  }

  private lose(held: Held, reason: string): void {
    if (held.lost || this.acks.some((ack) => ack.held === held)) return;
    held.lost = true;
    held.abort.abort(new Error(reason));
    this.o.onEvent?.({ type: "lease_lost", job: held.job, reason });
  }

  private release(held: Held): void {
    if (this.held.get(held.job.id) === held) this.held.delete(held.job.id);
    this.wakeFetch?.();
    this.wakeFetch = undefined;
  }

  /**
   * What is in hand may finish within `shutdownTimeoutMs`. Then handlers are told by their signal; what was started is failed as
   * `worker_shutdown` if it has attempts left, else it is left to its lease, which takes no attempt.
   */
  private async finish(): Promise<void> {
    const untilMs = performance.now() + this.o.shutdownTimeoutMs;
    while (this.held.size > 0 && performance.now() < untilMs) {
      await Promise.race([new Promise<void>((resolve) => (this.wakeFetch = resolve)), pause(Math.min(100, untilMs - performance.now()))]);
    }
    for (const held of this.held.values()) {
      if (held.lost) continue;
      held.lost = true;
      held.abort.abort(new Error("worker_shutdown"));
      if (held.started && held.job.attempt < held.job.maxAttempts) await this.failed(held, new Error("worker_shutdown"));
    }
    this.ready.length = 0;
  }
}
