import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import type { Worker as WireWorker } from "@corvo/gen/corvo/v1/cluster_pb.js";
import { type Job as WireJob, JobState as WireState } from "@corvo/gen/corvo/v1/job_pb.js";
import type { Queue as WireQueue } from "@corvo/gen/corvo/v1/queue_pb.js";
import type { AgentState, FetchBatchJob, SubscribeEvent, HeartbeatResponse as WireHeartbeat } from "@corvo/gen/corvo/v1/worker_pb.js";
import type { AgentPosition } from "./agent.js";

/** A leased job. JSON is parsed when it is first looked at; the texts are as they were sent, every digit of their numbers kept. */
export class FetchedJob<Payload = unknown> {
  readonly id: string;
  readonly queue: string;
  /** This attempt, from 1; counted at fetch. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly leaseSeconds: number;
  /** Rises with every delivery of any job. Hand it to ack, fail and heartbeat, and to your own stores. */
  readonly fence: bigint;
  readonly payloadJson: string;
  readonly checkpointJson: string;
  readonly tagsJson: string;
  /** Where an agent job is. Undefined: it is none. */
  readonly agent: AgentPosition | undefined;
  /** What a person said when the job was sent back. Empty: nothing. */
  readonly revisionNote: string;
  /** W3C trace context of whoever added the job; empty: none. The worker continues it by itself where `@opentelemetry/api` is set up. */
  readonly traceparent: string;
  #payload: { value: Payload } | undefined;
  #checkpoint: { value: unknown } | undefined;
  #tags: { value: Record<string, unknown> } | undefined;

  constructor(job: FetchBatchJob) {
    this.id = job.jobId;
    this.queue = job.queue;
    this.attempt = job.attempt;
    this.maxAttempts = job.maxRetries;
    this.leaseSeconds = job.leaseDuration;
    this.fence = job.fence;
    this.payloadJson = job.payloadJson;
    this.checkpointJson = job.checkpointJson;
    this.tagsJson = job.tagsJson;
    this.agent = position(job.agent);
    this.revisionNote = job.revisionNote;
    this.traceparent = job.traceparent;
  }

  get payload(): Payload {
    return (this.#payload ??= { value: parsed(this.payloadJson, {}) as Payload }).value;
  }
  /** What an earlier attempt stored last. Undefined: nothing. */
  get checkpoint(): unknown {
    return (this.#checkpoint ??= { value: parsed(this.checkpointJson, undefined) }).value;
  }
  get tags(): Record<string, unknown> {
    return (this.#tags ??= { value: parsed(this.tagsJson, {}) as Record<string, unknown> }).value;
  }
}

/**
 * `pending` waits in its queue; `active` is leased to a worker; `held` waits for a person; `retrying` waits for its back-off;
 * `scheduled` waits for its time; `completed`, `dead` and `cancelled` are over.
 */
export type JobState = "pending" | "active" | "held" | "completed" | "retrying" | "dead" | "cancelled" | "scheduled";

/** Everything about a job. JSON is parsed when it is looked at. */
export class JobInfo {
  readonly id: string;
  readonly queue: string;
  readonly state: JobState;
  readonly priority: "critical" | "high" | "normal";
  /** Attempts so far; counted at fetch. */
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly backoff: string;
  readonly backoffBaseMs: number;
  /** 0: no cap. */
  readonly backoffMaxMs: number;
  readonly uniqueKey: string;
  readonly parentId: string;
  /** Empty: it belongs to none. */
  readonly batchId: string;
  readonly chainId: string;
  /** From 0; -1: on_exit, -2: on_failure. Undefined: it is no step. */
  readonly chainStep: number | undefined;
  /** Dependencies that are not met: while there are any, the job is not handed out. */
  readonly waitingFor: readonly { jobId: string; state: string; reason: string }[];
  /** The worker that holds the lease. */
  readonly workerId: string;
  readonly hostname: string;
  /** Of the running lease. 0n: not leased. */
  readonly fence: bigint;
  readonly holdReason: string;
  /** Where an agent job is. Undefined: it is none. */
  readonly agent: AgentPosition | undefined;
  /** What a person said when the job was last rejected or sent back. Empty: nothing. */
  readonly revisionNote: string;
  /** How often it was sent back. */
  readonly revisions: number;
  /** Cost of everything that was reported for it, in dollars. */
  readonly costUsd: number;
  /** Failures, oldest first; at most the last 100 are kept. */
  readonly errors: readonly { attempt: number; error: string; backtrace: string; at: Date | undefined }[];
  readonly createdAt: Date | undefined;
  readonly startedAt: Date | undefined;
  readonly completedAt: Date | undefined;
  readonly failedAt: Date | undefined;
  readonly cancelledAt: Date | undefined;
  /** When it can be fetched: scheduled time or next attempt. */
  readonly scheduledAt: Date | undefined;
  readonly expireAt: Date | undefined;
  readonly leaseExpiresAt: Date | undefined;
  readonly payloadJson: string;
  readonly resultJson: string;
  readonly progressJson: string;
  readonly checkpointJson: string;
  readonly tagsJson: string;

  constructor(job: WireJob) {
    this.id = job.id;
    this.queue = job.queue;
    this.state = WireState[job.state].toLowerCase() as JobState;
    this.priority = job.priority === 0 ? "critical" : job.priority === 1 ? "high" : "normal";
    this.attempt = job.attempt;
    this.maxAttempts = job.maxRetries;
    this.backoff = job.retryBackoff;
    this.backoffBaseMs = Number(job.retryBaseDelayMs);
    this.backoffMaxMs = Number(job.retryMaxDelayMs);
    this.uniqueKey = job.uniqueKey;
    this.parentId = job.parentId;
    this.batchId = job.batchId;
    this.chainId = job.chainId;
    this.chainStep = job.chainStep;
    this.waitingFor = job.waitingFor.map(({ jobId, state, reason }) => ({ jobId, state, reason }));
    this.workerId = job.workerId;
    this.hostname = job.hostname;
    this.fence = job.fence;
    this.holdReason = job.holdReason;
    this.agent = position(job.agent);
    this.revisionNote = job.revisionNote;
    this.revisions = job.revisions;
    this.costUsd = job.costUsd;
    this.errors = job.errors.map(({ attempt, error, backtrace, createdAt }) => ({ attempt, error, backtrace, at: date(createdAt) }));
    this.createdAt = date(job.createdAt);
    this.startedAt = date(job.startedAt);
    this.completedAt = date(job.completedAt);
    this.failedAt = date(job.failedAt);
    this.cancelledAt = date(job.cancelledAt);
    this.scheduledAt = date(job.scheduledAt);
    this.expireAt = date(job.expireAt);
    this.leaseExpiresAt = date(job.leaseExpiresAt);
    this.payloadJson = job.payloadJson;
    this.resultJson = job.resultJson;
    this.progressJson = job.progressJson;
    this.checkpointJson = job.checkpointJson;
    this.tagsJson = job.tagsJson;
  }

  get payload(): unknown {
    return parsed(this.payloadJson, {});
  }
  /** What the worker returned. Undefined: not completed, or nothing was returned over REST. */
  get result(): unknown {
    return parsed(this.resultJson, undefined);
  }
  get progress(): unknown {
    return parsed(this.progressJson, undefined);
  }
  get checkpoint(): unknown {
    return parsed(this.checkpointJson, undefined);
  }
  get tags(): Record<string, unknown> {
    return parsed(this.tagsJson, {}) as Record<string, unknown>;
  }
}

function position(agent: AgentState | undefined): AgentPosition | undefined {
  if (!agent) return undefined;
  const { iteration, totalCostUsd, maxIterations, maxCostUsd, iterationTimeout } = agent;
  return { iteration, totalCostUsd, maxIterations, maxCostUsd, iterationTimeout };
}

/** A queue with its settings and counters. */
export interface QueueInfo {
  name: string;
  paused: boolean;
  /** Active jobs at most. 0: no cap. */
  maxConcurrency: number;
  throttle: { rate: number; windowMs: number } | undefined;
  createdAt: Date | undefined;
  /** Jobs by state; finished ones as long as they are kept. */
  pending: number;
  active: number;
  held: number;
  scheduled: number;
  retrying: number;
  completed: number;
  dead: number;
  cancelled: number;
  /** Kept jobs in any state. */
  enqueued: number;
  /** Failed attempts since the queue exists. */
  failed: number;
  /** When the job next in turn was added. Undefined: none is pending. */
  oldestPendingAt: Date | undefined;
}

export function queueInfo(q: WireQueue): QueueInfo {
  return {
    name: q.name,
    paused: q.paused,
    maxConcurrency: q.maxConcurrency,
    throttle: q.rateLimit > 0 ? { rate: q.rateLimit, windowMs: q.rateWindowMs } : undefined,
    createdAt: date(q.createdAt),
    pending: Number(q.pending),
    active: Number(q.active),
    held: Number(q.held),
    scheduled: Number(q.scheduled),
    retrying: Number(q.retrying),
    completed: Number(q.completed),
    dead: Number(q.dead),
    cancelled: Number(q.cancelled),
    enqueued: Number(q.enqueued),
    failed: Number(q.failed),
    oldestPendingAt: date(q.oldestPendingAt),
  };
}

/** A worker that has fetched a job, or has said in a heartbeat that it is there. */
export interface WorkerInfo {
  id: string;
  hostname: string;
  /** Of its last fetch, or those that it serves. */
  queues: string[];
  lastHeartbeatAt: Date;
  startedAt: Date;
  /** Jobs that it holds. */
  active: number;
  /** The software that it is made with, for example `corvo-typescript`, and its version. Empty: not said within the last hour. */
  sdk: string;
  sdkVersion: string;
  /** Jobs that it does at a time. 0: not said. */
  slots: number;
  /** What it was told; empty: nothing. */
  order: WorkerOrder;
  /** What it does when it is told so: `quiet`, `stop`. */
  capabilities: string[];
}

/** `quiet`: fetch nothing more; `stop`: the same, finish what is in hand and leave. Empty: work. */
export type WorkerOrder = "" | "quiet" | "stop";

/** What a worker says about itself in heartbeats. */
export interface WorkerFacts {
  /** As in its fetches, 1 to 255 bytes. */
  workerId: string;
  hostname: string;
  /** At most 64 bytes each. */
  sdk: string;
  sdkVersion: string;
  /** Jobs that it does at a time. */
  slots: number;
  /** Queues that it serves, at most 100 and 4096 bytes together. */
  queues: string[];
  /** What it does when it is told so: `quiet`, `stop`. */
  capabilities?: string[];
  /** Its last word. */
  leaving?: boolean;
}

/** What is answered to a heartbeat. */
export interface HeartbeatAnswer {
  /** By job id. `leaseExpiresAt`: until then, by the server's clock, the job is the worker's at least. Undefined: it is not leased any more. */
  jobs: Map<string, { status: "ok" | "cancel"; leaseExpiresAt: Date | undefined }>;
  order: WorkerOrder;
}

export function heartbeatAnswer({ jobs, order }: WireHeartbeat): HeartbeatAnswer {
  const said = Object.entries(jobs).map(([id, job]) => {
    const status: "ok" | "cancel" = job.status === "ok" ? "ok" : "cancel";
    return [id, { status, leaseExpiresAt: date(job.leaseExpiresAt) }] as const;
  });
  return { jobs: new Map(said), order: order as WorkerOrder };
}

export function workerInfo(w: WireWorker): WorkerInfo {
  return {
    id: w.id,
    hostname: w.hostname,
    queues: parsed(w.queues, []) as string[],
    lastHeartbeatAt: new Date(w.lastHeartbeat),
    startedAt: new Date(w.startedAt),
    active: Number(w.active),
    sdk: w.sdk,
    sdkVersion: w.sdkVersion,
    slots: w.slots,
    order: w.order as WorkerOrder,
    capabilities: w.capabilities,
  };
}

/** Something that happened to a job. */
export interface JobEvent {
  /** Rises by one per event. Where a filter was given numbers are left out. Resume after it. */
  seq: bigint;
  /**
   * Of a job: `enqueued`, `started`, `completed`, `failed`, `retrying`, `dead`, `retried`, `cancelled`, `held`, `approved`, `rejected`,
   * `progress`, `continued`, `moved`, `deleted`, `promoted`, `reclaimed`, `expired`, `released` … Of a queue: `queue_paused`, `queue_resumed` …
   * `gap`: this reader lost events; `data` is `{ from, missed, to }`.
   */
  type: string;
  /** Empty: it is not about one job. */
  jobId: string;
  queue: string;
  at: Date;
  /** More about it, for example the progress. Undefined: nothing. */
  data: unknown;
  /** Log index of its cause. */
  index: bigint;
  /** Who asked for it; empty: nobody in particular, or time did. */
  actor: string;
  /** Why, in words: the error of `failed`. */
  reason: string;
  /** Attempt of the job; 0: not said. */
  attempt: number;
  workerId: string;
}

export function jobEvent(e: SubscribeEvent): JobEvent {
  const { seq, type, jobId, queue, index, actor, reason, attempt, workerId } = e;
  return {
    ...{ seq, type, jobId, queue, index, actor, reason, attempt, workerId },
    at: new Date(Number(e.atNs / 1_000_000n)),
    data: parsed(e.dataJson, undefined),
  };
}

function parsed(text: string, empty: unknown): unknown {
  return text === "" ? empty : JSON.parse(text);
}

function date(time: Timestamp | undefined): Date | undefined {
  return time && timestampDate(time);
}
