import { createContextValues } from "@connectrpc/connect";
import { EnqueueOutcome } from "@corvo/gen/corvo/v1/worker_pb.js";
import { usageWords } from "./agent.js";
import type { BatchCallback } from "./batches.js";
import type { CallOptions, ChangeOptions, Enqueued, FetchOptions, LeaseOptions } from "./client-options.js";
import { Connection } from "./connection.js";
import type { EnqueueOptions, JobDefinition } from "./job.js";
import { enqueueRequest, jsonText, newRequestId } from "./requests.js";
import { type StepOptions, type Stepped, stepRequest, type Usage } from "./step.js";
import { activeTraceparent } from "./trace.js";
import { serverTimeoutMs } from "./transport-options.js";
import { FetchedJob, type HeartbeatAnswer, heartbeatAnswer, type WorkerFacts } from "./views.js";

/** What producers and workers say: jobs are added, leased, kept and ended. */
export class WorkCalls extends Connection {
  /** Adds a job. Resolves when it is on disk. */
  async enqueue<Payload>(
    job: JobDefinition<Payload, unknown> | string,
    payload: NoInfer<Payload>,
    options: EnqueueOptions & ChangeOptions = {},
  ): Promise<Enqueued> {
    const request = enqueueRequest(job, payload, options);
    request.requestId = options.requestId ?? newRequestId();
    if (request.traceparent === "") request.traceparent = await activeTraceparent();
    const answer = await this.repeat(options, (o) => this.rpc.worker.enqueue(request, o));
    return { id: answer.jobId, status: answer.status as Enqueued["status"], duplicate: answer.uniqueExisting };
  }

  /** Adds 1 to 10,000 jobs, all or none. */
  async enqueueMany<Payload>(
    jobs: readonly { job: JobDefinition<Payload, unknown> | string; payload: NoInfer<Payload>; options?: EnqueueOptions }[],
    options: ChangeOptions = {},
  ): Promise<Enqueued[]> {
    const request = {
      jobs: jobs.map(({ job, payload, options }) => enqueueRequest(job, payload, options ?? {})),
      requestId: options.requestId ?? newRequestId(),
    };
    const traceparent = await activeTraceparent();
    if (traceparent !== "") for (const one of request.jobs) if (one.traceparent === "") one.traceparent = traceparent;
    const answer = await this.repeat(options, (o) => this.rpc.worker.enqueueBatch(request, o));
    return enqueuedOf(answer);
  }

  /** Adds 1 to 10,000 jobs as a batch, sealed at once: `callback` is added when all that were created have ended. */
  async enqueueBatch<Payload>(
    jobs: readonly { job: JobDefinition<Payload, unknown> | string; payload: NoInfer<Payload>; options?: EnqueueOptions }[],
    callback?: BatchCallback,
    options: ChangeOptions = {},
  ): Promise<{ batchId: string; jobs: Enqueued[] }> {
    const request = {
      jobs: jobs.map(({ job, payload, options }) => enqueueRequest(job, payload, options ?? {})),
      batch: { callbackQueue: callback?.queue ?? "", callbackPayloadJson: jsonText(callback?.payload, "payload") },
      requestId: options.requestId ?? newRequestId(),
    };
    const answer = await this.repeat(options, (o) => this.rpc.worker.enqueueBatch(request, o));
    return { batchId: answer.batchId, jobs: enqueuedOf(answer) };
  }

  /** Leases up to `count` jobs; waits for the first. An empty list is a success. */
  async fetch<Payload = unknown>(queues: readonly string[], options: FetchOptions = {}): Promise<FetchedJob<Payload>[]> {
    const leaseSeconds = options.leaseSeconds ?? 60;
    if (!(leaseSeconds >= 1 && leaseSeconds <= 86_400)) throw new RangeError(`leaseSeconds must be 1 to 86,400, not ${leaseSeconds}`);
    const request = {
      queues: [...queues],
      workerId: options.workerId ?? "",
      hostname: options.hostname ?? "",
      leaseDuration: Math.ceil(leaseSeconds),
      count: options.count ?? 1,
      requestId: newRequestId(),
    };
    const longestMs = Math.min(60_000, request.leaseDuration * 1000);
    const waitMs = Math.min(longestMs, Math.max(0, options.waitMs ?? longestMs));
    // A server ends its wait 50 ms before the deadline that it is told. Told too short a one it gives up; the repeat brings what it granted.
    const contextValues = createContextValues().set(serverTimeoutMs, waitMs < longestMs ? Math.ceil(waitMs) + 50 : undefined);
    const timeoutMs = (options.timeoutMs ?? this.timeoutMs) + waitMs;
    const answer = await this.repeat({ signal: options.signal, timeoutMs }, (o) => this.rpc.worker.fetchBatch(request, { ...o, contextValues }));
    return answer.jobs.map((job) => new FetchedJob<Payload>(job));
  }

  /**
   * Completes a job. An agent job may go on instead (`continue`) or wait for a person (`hold`): what it is then, and why it is held, comes
   * back.
   */
  async ack(
    id: string,
    options: LeaseOptions & {
      result?: unknown;
      checkpoint?: unknown;
      /** A step of a chain says that no other follows. */
      exitChain?: boolean;
      agentStatus?: "continue" | "hold" | "done";
      holdReason?: string;
      usage?: Usage;
    } = {},
  ): Promise<{ state: "completed" | "pending" | "held"; holdReason: string }> {
    const request = {
      agentStatus: options.agentStatus ?? "",
      holdReason: options.holdReason ?? "",
      usage: usageWords(options.usage),
      jobId: id,
      resultJson: jsonText(options.result, "result"),
      checkpointJson: jsonText(options.checkpoint, "checkpoint"),
      fence: options.fence ?? 0n,
      stepStatus: options.exitChain ? "exit" : "",
      requestId: options.requestId ?? newRequestId(),
    };
    const { state, holdReason } = await this.repeat(options, (o) => this.rpc.worker.ack(request, o));
    return { state: (state || "completed") as "completed" | "pending" | "held", holdReason };
  }

  /** Reports a failed attempt. */
  async fail(
    id: string,
    error: string,
    options: LeaseOptions & { backtrace?: string } = {},
  ): Promise<{ status: "retrying" | "dead"; attemptsRemaining: number }> {
    const request = { jobId: id, error, backtrace: options.backtrace ?? "", fence: options.fence ?? 0n, requestId: options.requestId ?? newRequestId() };
    const answer = await this.repeat(options, (o) => this.rpc.worker.fail(request, o));
    return { status: answer.status as "retrying" | "dead", attemptsRemaining: answer.attemptsRemaining };
  }

  /**
   * One step of a leased job, whole or not at all: it is completed (or kept, or an agent's goes on) with its result and checkpoint, what it
   * used is charged, and any number of jobs are added as its children.
   */
  async step(id: string, step: StepOptions & LeaseOptions = {}): Promise<Stepped> {
    const request = stepRequest(id, step);
    const answer = await this.repeat(step, (o) => this.rpc.worker.step(request, o));
    return { state: answer.state as Stepped["state"], jobIds: answer.jobIds };
  }

  /** Gives a leased job back: the next in turn of its priority, and the attempt does not count. */
  async release(id: string, options: LeaseOptions & { checkpoint?: unknown } = {}): Promise<void> {
    const request = {
      jobId: id,
      checkpointJson: jsonText(options.checkpoint, "checkpoint"),
      fence: options.fence ?? 0n,
      requestId: options.requestId ?? newRequestId(),
    };
    await this.repeat(options, (o) => this.rpc.worker.release(request, o));
  }

  /** Extends leases. Jobs whose answer is `cancel` are no longer the caller's. With `worker` the server lists who says so, also without jobs. */
  async heartbeat(
    jobs: ReadonlyMap<string, { fence?: bigint; progress?: Record<string, unknown>; checkpoint?: Record<string, unknown> }>,
    options: CallOptions & { worker?: WorkerFacts } = {},
  ): Promise<Map<string, "ok" | "cancel">> {
    const answer = await this.beat(jobs, options);
    return new Map([...answer.jobs].map(([id, { status }]) => [id, status]));
  }

  /** @internal A heartbeat with all that is answered. */
  async beat(
    jobs: ReadonlyMap<string, { fence?: bigint; progress?: Record<string, unknown>; checkpoint?: Record<string, unknown> }>,
    options: CallOptions & { worker?: WorkerFacts },
  ): Promise<HeartbeatAnswer> {
    const updates: Record<string, { progressJson: string; checkpointJson: string; fence: bigint }> = {};
    for (const [id, { progress, checkpoint, fence }] of jobs) {
      updates[id] = { progressJson: jsonText(progress, "progress"), checkpointJson: jsonText(checkpoint, "checkpoint"), fence: fence ?? 0n };
    }
    const answer = await this.repeat(options, (o) => this.rpc.worker.heartbeat({ jobs: updates, worker: options.worker }, o));
    return heartbeatAnswer(answer);
  }

  /**
   * Reports what a leased job used, and extends its lease. `over`: it costs more than a budget allows, and was held or cancelled if the budget
   * says so. Repeated when the answer is lost: then it may count twice.
   */
  async reportUsage(id: string, usage: Usage, options: CallOptions & { fence?: bigint } = {}): Promise<{ over: boolean; status: "ok" | "cancel" }> {
    const jobs = { [id]: { usage: usageWords(usage), fence: options.fence ?? 0n } };
    const { status, budgetExceeded } = (await this.repeat(options, (o) => this.rpc.worker.heartbeat({ jobs }, o))).jobs[id];
    return { over: budgetExceeded, status: status === "ok" ? "ok" : "cancel" };
  }
}

function enqueuedOf({ jobIds, outcomes }: { jobIds: string[]; outcomes: EnqueueOutcome[] }): Enqueued[] {
  return jobIds.map((id, i) => {
    const status = enqueueStatus[outcomes[i]] ?? "pending";
    return { id, status, duplicate: status === "duplicate" };
  });
}

const enqueueStatus: Partial<Record<EnqueueOutcome, Enqueued["status"]>> = {
  [EnqueueOutcome.SCHEDULED]: "scheduled",
  [EnqueueOutcome.DUPLICATE]: "duplicate",
};
