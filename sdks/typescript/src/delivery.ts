import type { CorvoClient } from "./client.js";
import { CorvoError } from "./errors.js";
import type { StepOptions, Stepped, Usage } from "./step.js";
import type { FetchedJob } from "./views.js";

/** What a handler has in hand beside the payload. */
export interface JobContext<Payload = unknown> {
  readonly job: FetchedJob<Payload>;
  /** Rises with every delivery: write it beside what you write elsewhere, and let your store refuse smaller ones. */
  readonly fence: bigint;
  /**
   * Fires when the lease is lost (the job was cancelled, or the server gave it to somebody else), with a CorvoError as its reason, and when
   * the worker's time to stop is over. What the handler returns after that counts for nothing. Hand it to `fetch` and the like.
   */
  readonly signal: AbortSignal;
  /**
   * Until then the job is this worker's at least, as the server last promised, by the server's clock. Undefined before the first heartbeat.
   * The worker renews the lease by itself.
   */
  readonly leaseExpiresAt: Date | undefined;
  /** Stores a checkpoint, at most 256 KiB as JSON: the next attempt finds it in `job.checkpoint`. Rejects when the lease is lost. */
  checkpoint(value: Record<string, unknown>): Promise<void>;
  /**
   * Reports what was used since the last report. True: the job costs more than a budget allows; by the budget it was held or cancelled, then
   * `signal` fires with the next heartbeat. Rejects when the lease is lost.
   */
  usage(usage: Usage): Promise<boolean>;
  /** Shows progress to those who look at the job. Rejects when the lease is lost. Need not be awaited. */
  progress(value: Record<string, unknown>): Promise<void>;
  /**
   * One step, whole or not at all: checkpoint, usage and jobs to add (children of this one). With `keep` the handler goes on; without it
   * the job is acknowledged by it, and what the handler returns counts for nothing. Rejects when the lease is lost.
   */
  step(step: StepOptions): Promise<Stepped>;
}

/**
 * One job in hand. `ready` waits for a free hand; `running` is with its handler; `finished` has an outcome that the server is being told;
 * `lost` belongs to somebody else, or to nobody, whatever its handler still does.
 */
export class Delivery implements JobContext {
  state: "ready" | "running" | "finished" | "lost" = "ready";
  leaseExpiresAt: Date | undefined;
  /** A step has acknowledged it: nothing is left to tell. */
  acknowledged = false;
  private abort: AbortController | undefined;
  private lostBy: CorvoError | undefined;

  constructor(
    readonly job: FetchedJob,
    private readonly client: CorvoClient,
    private readonly onLost: (delivery: Delivery) => void,
  ) {}

  get fence(): bigint {
    return this.job.fence;
  }

  /** What a heartbeat was answered about it. */
  renewed(said: { status: "ok" | "cancel"; leaseExpiresAt: Date | undefined } | undefined): void {
    if (said?.leaseExpiresAt) this.leaseExpiresAt = said.leaseExpiresAt;
    if (said?.status === "cancel") this.lose("LEASE_LOST", leaseLost);
  }

  /** Made when somebody asks for it: most handlers of short jobs never do. */
  get signal(): AbortSignal {
    if (!this.abort) {
      this.abort = new AbortController();
      if (this.lostBy) this.abort.abort(this.lostBy);
    }
    return this.abort.signal;
  }

  /** The handler's work is in vain. Not for a job that is finished: its acknowledgement tells. */
  lose(reason: "LEASE_LOST" | "SHUTDOWN", message: string): void {
    if (this.state === "finished" || this.state === "lost") return;
    this.state = "lost";
    this.lostBy = new CorvoError(message, { code: "aborted", reason });
    this.abort?.abort(this.lostBy);
    this.onLost(this);
  }

  checkpoint(checkpoint: Record<string, unknown>): Promise<void> {
    return this.tell({ checkpoint });
  }
  progress(progress: Record<string, unknown>): Promise<void> {
    return this.tell({ progress });
  }

  async step(step: StepOptions): Promise<Stepped> {
    if (this.lostBy) throw this.lostBy;
    const stepped = await this.client.step(this.job.id, { ...step, fence: this.job.fence });
    if (stepped.state !== "active") this.acknowledged = true;
    return stepped;
  }

  async usage(usage: Usage): Promise<boolean> {
    if (this.lostBy) throw this.lostBy;
    const { id, fence } = this.job;
    const { over, status } = await this.client.reportUsage(id, usage, { fence });
    if (status === "cancel") this.lose("LEASE_LOST", leaseLost);
    if (this.lostBy) throw this.lostBy;
    return over;
  }

  private tell(update: { checkpoint?: Record<string, unknown>; progress?: Record<string, unknown> }): Promise<void> {
    const told = this.update(update);
    told.catch(() => {}); // a handler that does not await it must not end the process
    return told;
  }

  private async update(update: { checkpoint?: Record<string, unknown>; progress?: Record<string, unknown> }): Promise<void> {
    if (this.lostBy) throw this.lostBy;
    const { id, fence } = this.job;
    const { jobs } = await this.client.beat(new Map([[id, { fence, ...update }]]), {});
    this.renewed(jobs.get(id));
    if (this.lostBy) throw this.lostBy;
  }
}

export const leaseLost = "the lease is lost: the job was cancelled, or it was given to somebody else";
