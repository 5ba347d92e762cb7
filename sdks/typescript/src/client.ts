import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type Client, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { ClusterService, type GetClusterStatusResponse, type Worker as WorkerInfo } from "@corvo/gen/corvo/v1/cluster_pb.js";
import { type Job, JobService, JobState } from "@corvo/gen/corvo/v1/job_pb.js";
import { type Queue, QueueService } from "@corvo/gen/corvo/v1/queue_pb.js";
import { EnqueueOutcome, EnqueueRequestSchema, type FetchBatchJob, type SubscribeEvent, WorkerService } from "@corvo/gen/corvo/v1/worker_pb.js";
import { CorvoError, toCorvoError } from "./errors.js";
import type { EnqueueOptions, JobDefinition } from "./job.js";
import { type Backoff, defaultBackoff, jitteredMs, pause } from "./retry.js";

export interface ClientOptions {
  /** How calls travel. `connectNode` (index.ts) or `connectWeb` (web.ts) make one. */
  transport: Transport;
  /** Longest time of a call including its retries, in ms. Default 30,000. Fetches add their wait. */
  timeoutMs?: number;
  /** Tries of a call that is safe to repeat. Default 5: rides over a restart of the server. */
  tries?: number;
  backoff?: Backoff;
}

export interface Enqueued {
  id: string;
  status: "pending" | "scheduled" | "duplicate";
  /** True when the unique key was held: `id` is the holder's. */
  duplicate: boolean;
}

export interface FetchedJob {
  id: string;
  queue: string;
  payload: unknown;
  attempt: number;
  maxAttempts: number;
  checkpoint: unknown;
  tags: Record<string, unknown>;
  /** Hand it to ack, fail and heartbeat, and to your own stores. */
  fence: bigint;
}

/** Sends who this client is; the server logs it at debug level. */
export const clientName: Interceptor = (next) => (request) => {
  request.header.set("x-corvo-client-name", "corvo-typescript");
  request.header.set("x-corvo-client-version", "0.4.0");
  return next(request);
};

/**
 * Corvo's API, typed. Calls that change something carry a request id, so that the client itself may repeat them when the connection
 * breaks: they take effect once.
 */
export class CorvoClient {
  readonly rpc: {
    worker: Client<typeof WorkerService>;
    jobs: Client<typeof JobService>;
    queues: Client<typeof QueueService>;
    cluster: Client<typeof ClusterService>;
  };
  private readonly timeoutMs: number;
  private readonly tries: number;
  readonly backoff: Backoff;

  constructor(options: ClientOptions) {
    const { transport } = options;
    this.rpc = {
      worker: createClient(WorkerService, transport),
      jobs: createClient(JobService, transport),
      queues: createClient(QueueService, transport),
      cluster: createClient(ClusterService, transport),
    };
    this.timeoutMs = options.timeoutMs ?? 30_000;
    this.tries = options.tries ?? 5;
    this.backoff = options.backoff ?? defaultBackoff;
  }

  /** Adds a job. Resolves when it is on disk. */
  async enqueue<Payload>(job: JobDefinition<Payload, unknown> | string, payload: Payload, options: EnqueueOptions = {}): Promise<Enqueued> {
    const request = enqueueRequest(job, payload, options);
    request.requestId = options.requestId ?? newRequestId();
    const answer = await this.repeat((o) => this.rpc.worker.enqueue(request, o));
    return { id: answer.jobId, status: answer.status as Enqueued["status"], duplicate: answer.uniqueExisting };
  }

  /** Adds up to 10,000 jobs, all or none. */
  async enqueueMany<Payload>(
    jobs: readonly { job: JobDefinition<Payload, unknown> | string; payload: Payload; options?: EnqueueOptions }[],
    requestId = newRequestId(),
  ): Promise<Enqueued[]> {
    const request = { jobs: jobs.map(({ job, payload, options }) => enqueueRequest(job, payload, options ?? {})), requestId };
    const answer = await this.repeat((o) => this.rpc.worker.enqueueBatch(request, o));
    return answer.jobIds.map((id, i) => ({
      id,
      status: answer.outcomes[i] === EnqueueOutcome.SCHEDULED ? "scheduled" : answer.outcomes[i] === EnqueueOutcome.DUPLICATE ? "duplicate" : "pending",
      duplicate: answer.outcomes[i] === EnqueueOutcome.DUPLICATE,
    }));
  }

  /** Leases up to `count` jobs; waits up to `waitSeconds` (1 to 60, default 30) for the first. An empty list is a success. */
  async fetch(
    queues: readonly string[],
    options: { count?: number; leaseSeconds?: number; workerId?: string; hostname?: string; signal?: AbortSignal } = {},
  ): Promise<FetchedJob[]> {
    const leaseDuration = options.leaseSeconds ?? 60;
    const request = {
      queues: [...queues],
      workerId: options.workerId ?? "",
      hostname: options.hostname ?? "",
      leaseDuration,
      count: options.count ?? 1,
      requestId: newRequestId(),
    };
    const answer = await this.repeat(
      (o) => this.rpc.worker.fetchBatch(request, { ...o, signal: options.signal }),
      this.timeoutMs + Math.min(60, leaseDuration) * 1000,
    );
    return answer.jobs.map(toFetchedJob);
  }

  /** Completes a job. `fence` from the fetch; without it the state of the lease decides. */
  async ack(id: string, options: { result?: unknown; fence?: bigint; checkpoint?: unknown; requestId?: string } = {}): Promise<void> {
    const request = {
      jobId: id,
      resultJson: jsonText(options.result),
      checkpointJson: jsonText(options.checkpoint),
      fence: options.fence ?? 0n,
      requestId: options.requestId ?? newRequestId(),
    };
    await this.repeat((o) => this.rpc.worker.ack(request, o));
  }

  /** Reports a failed attempt. */
  async fail(
    id: string,
    error: string,
    options: { backtrace?: string; fence?: bigint; requestId?: string } = {},
  ): Promise<{ status: "retrying" | "dead"; attemptsRemaining: number }> {
    const request = { jobId: id, error, backtrace: options.backtrace ?? "", fence: options.fence ?? 0n, requestId: options.requestId ?? newRequestId() };
    const answer = await this.repeat((o) => this.rpc.worker.fail(request, o));
    return { status: answer.status as "retrying" | "dead", attemptsRemaining: answer.attemptsRemaining };
  }

  /** Extends leases. Ids whose answer is `cancel` are no longer the caller's. */
  async heartbeat(
    jobs: ReadonlyMap<string, { fence?: bigint; progress?: Record<string, unknown>; checkpoint?: Record<string, unknown> }>,
  ): Promise<Map<string, "ok" | "cancel">> {
    const updates: Record<string, { progressJson: string; checkpointJson: string; fence: bigint }> = {};
    for (const [id, job] of jobs) updates[id] = { progressJson: jsonText(job.progress), checkpointJson: jsonText(job.checkpoint), fence: job.fence ?? 0n };
    const answer = await this.repeat((o) => this.rpc.worker.heartbeat({ jobs: updates }, o));
    return new Map(Object.entries(answer.jobs).map(([id, job]) => [id, job.status === "ok" ? "ok" : "cancel"]));
  }

  /** Everything about a job. Rejects with reason NOT_FOUND when there is none. */
  async job(id: string): Promise<Job> {
    const { job } = await this.repeat((o) => this.rpc.jobs.getJob({ jobId: id }, o));
    if (!job) throw new CorvoError(`job "${id}" not found`, "not_found", "NOT_FOUND", undefined, undefined);
    return job;
  }
  /** Several jobs, unknown ones left out; at most 1,000. */
  async jobs(ids: readonly string[]): Promise<Job[]> {
    return (await this.repeat((o) => this.rpc.jobs.bulkGetJobs({ jobIds: [...ids] }, o))).jobs;
  }
  async retry(id: string): Promise<void> {
    await this.change((o, requestId) => this.rpc.jobs.retryJob({ jobId: id, requestId }, o));
  }
  /** `cancelling`: it was active; its worker learns of it by its next heartbeat. */
  async cancel(id: string): Promise<"cancelled" | "cancelling"> {
    return (await this.change((o, requestId) => this.rpc.jobs.cancelJob({ jobId: id, requestId }, o))).status as "cancelled" | "cancelling";
  }
  async hold(id: string): Promise<void> {
    await this.change((o, requestId) => this.rpc.jobs.holdJob({ jobId: id, requestId }, o));
  }
  async approve(id: string): Promise<void> {
    await this.change((o, requestId) => this.rpc.jobs.approveJob({ jobId: id, requestId }, o));
  }
  async reject(id: string): Promise<void> {
    await this.change((o, requestId) => this.rpc.jobs.rejectJob({ jobId: id, requestId }, o));
  }
  async move(id: string, queue: string): Promise<void> {
    await this.change((o, requestId) => this.rpc.jobs.moveJob({ jobId: id, queue, requestId }, o));
  }
  async delete(id: string): Promise<void> {
    await this.change((o, requestId) => this.rpc.jobs.deleteJob({ jobId: id, requestId }, o));
  }

  async queues(): Promise<Queue[]> {
    return (await this.repeat((o) => this.rpc.queues.listQueues({}, o))).queues;
  }
  async pauseQueue(name: string): Promise<void> {
    await this.change((o, requestId) => this.rpc.queues.pauseQueue({ name, requestId }, o));
  }
  async resumeQueue(name: string): Promise<void> {
    await this.change((o, requestId) => this.rpc.queues.resumeQueue({ name, requestId }, o));
  }
  async drainQueue(name: string): Promise<void> {
    await this.change((o, requestId) => this.rpc.queues.drainQueue({ name, requestId }, o));
  }
  /** Deletes the pending and scheduled jobs. */
  async clearQueue(name: string): Promise<void> {
    await this.change((o, requestId) => this.rpc.queues.clearQueue({ name, requestId }, o));
  }
  /** Deletes the queue and every job in it. */
  async destroyQueue(name: string): Promise<void> {
    await this.change((o, requestId) => this.rpc.queues.destroyQueue({ name, requestId }, o));
  }
  /** 0: no cap. */
  async setConcurrency(name: string, max: number): Promise<void> {
    await this.change((o, requestId) => this.rpc.queues.setConcurrency({ name, max, requestId }, o));
  }
  /** Fetches at most `rate` per window; undefined removes the cap. */
  async setThrottle(name: string, throttle: { rate: number; windowMs: number } | undefined): Promise<void> {
    if (throttle) await this.change((o, requestId) => this.rpc.queues.setThrottle({ name, ...throttle, requestId }, o));
    else await this.change((o, requestId) => this.rpc.queues.removeThrottle({ name, requestId }, o));
  }

  async workers(): Promise<WorkerInfo[]> {
    return (await this.repeat((o) => this.rpc.cluster.listWorkers({}, o))).workers;
  }
  async status(): Promise<GetClusterStatusResponse> {
    return this.repeat((o) => this.rpc.cluster.getClusterStatus({}, o));
  }
  async serverInfo(): Promise<{ serverVersion: string; apiVersion: string }> {
    return this.repeat((o) => this.rpc.worker.getServerInfo({}, o));
  }

  /** Events from a position on, for ever; reconnects and resumes where it was. Ends when the signal fires. */
  async *subscribe(
    filter: { queues?: string[]; jobIds?: string[]; types?: string[]; after?: bigint; signal?: AbortSignal } = {},
  ): AsyncGenerator<SubscribeEvent> {
    let lastEventId = filter.after ?? 0n;
    for (let failures = 0; !filter.signal?.aborted; ) {
      try {
        for await (const event of this.rpc.worker.subscribe(
          { queues: filter.queues, jobIds: filter.jobIds, types: filter.types, lastEventId },
          { signal: filter.signal },
        )) {
          failures = 0;
          if (event.seq === 0n) continue; // a sign of life
          lastEventId = event.seq;
          yield event;
        }
      } catch (thrown) {
        if (filter.signal?.aborted) return;
        const error = toCorvoError(thrown);
        if (error.code === "invalid_argument" || error.code === "unauthenticated" || error.code === "permission_denied") throw error;
      }
      await pause(jitteredMs(failures++, this.backoff), filter.signal);
    }
  }

  private change<T>(call: (options: { timeoutMs: number }, requestId: string) => Promise<T>): Promise<T> {
    const requestId = newRequestId();
    return this.repeat((o) => call(o, requestId));
  }

  /** Repeats a call that is safe to repeat: it reads, or it carries a request id or a fence. */
  private async repeat<T>(call: (options: { timeoutMs: number }) => Promise<T>, timeoutMs = this.timeoutMs, signal?: AbortSignal): Promise<T> {
    const untilMs = performance.now() + timeoutMs;
    for (let attempt = 0; ; attempt++) {
      try {
        return await call({ timeoutMs: Math.max(1, Math.ceil(untilMs - performance.now())) });
      } catch (thrown) {
        const error = toCorvoError(thrown);
        const again = !signal?.aborted && (error.retryable || (error.outcomeUnknown && error.code !== "deadline_exceeded"));
        const waitMs = Math.max(error.retryAfterMs ?? 0, jitteredMs(attempt, this.backoff));
        if (!again || attempt + 1 >= this.tries || performance.now() + waitMs >= untilMs) throw error;
        await pause(waitMs);
      }
    }
  }
}

function enqueueRequest(job: JobDefinition<never, unknown> | JobDefinition<unknown, unknown> | string, payload: unknown, given: EnqueueOptions) {
  const options = typeof job === "string" ? given : { ...job.options, ...given };
  const init: MessageInitShape<typeof EnqueueRequestSchema> = {
    queue: typeof job === "string" ? job : job.queue,
    payloadJson: payload === undefined ? "" : JSON.stringify(payload),
    priority: options.priority ?? "",
    uniqueKey: options.uniqueKey ?? "",
    uniquePeriod: BigInt(Math.trunc(options.uniquePeriodSeconds ?? 0)),
    maxRetries: options.maxAttempts,
    retryBackoff: options.backoff ?? "",
    retryBaseDelayMs: BigInt(Math.trunc(options.backoffBaseMs ?? 0)),
    retryMaxDelayMs: BigInt(Math.trunc(options.backoffMaxMs ?? 0)),
    scheduledAt: options.scheduledAt ? timestampFromDate(options.scheduledAt) : undefined,
    expireAfterMs: BigInt(Math.trunc(options.expireAfterMs ?? 0)),
    tagsJson: jsonText(options.tags),
    checkpointJson: jsonText(options.checkpoint),
    parentId: options.parentId ?? "",
  };
  return create(EnqueueRequestSchema, init);
}

export function toFetchedJob(job: FetchBatchJob): FetchedJob {
  return {
    id: job.jobId,
    queue: job.queue,
    payload: job.payloadJson === "" ? {} : JSON.parse(job.payloadJson),
    attempt: job.attempt,
    maxAttempts: job.maxRetries,
    checkpoint: job.checkpointJson === "" ? undefined : JSON.parse(job.checkpointJson),
    tags: job.tagsJson === "" ? {} : (JSON.parse(job.tagsJson) as Record<string, unknown>),
    fence: job.fence,
  };
}

export function jsonText(value: unknown): string {
  return value === undefined ? "" : JSON.stringify(value);
}

export function newRequestId(): string {
  return globalThis.crypto.randomUUID();
}

export { JobState };
