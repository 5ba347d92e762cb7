import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { CommandSchema, LeadershipCommandSchema, LogEntrySchema, Verb as WireVerb } from "@corvo/gen/corvo/internal/v1/log_pb.js";
import * as job from "@corvo/gen/corvo/v1/job_pb.js";
import * as queue from "@corvo/gen/corvo/v1/queue_pb.js";
import * as worker from "@corvo/gen/corvo/v1/worker_pb.js";
import type { AckItem, AckStatus, Command, EnqueueStatus, FetchFrom, Grant, NewJob, Outcome, Verb } from "./model/command.js";

/**
 * Between the model's plain objects and bytes, both ways with protobuf-es: the second opinion on everything that the fast codec
 * reads and writes.
 */

export const wireVerbs: Record<Verb, WireVerb> = {
  enqueue: WireVerb.ENQUEUE,
  enqueueBatch: WireVerb.ENQUEUE_BATCH,
  fetch: WireVerb.FETCH,
  fetchBatch: WireVerb.FETCH_BATCH,
  ack: WireVerb.ACK,
  ackBatch: WireVerb.ACK_BATCH,
  fail: WireVerb.FAIL,
  heartbeat: WireVerb.HEARTBEAT,
  lifecycle: WireVerb.LIFECYCLE,
  retry: WireVerb.RETRY,
  cancel: WireVerb.CANCEL,
  hold: WireVerb.HOLD,
  approve: WireVerb.APPROVE,
  reject: WireVerb.REJECT,
  move: WireVerb.MOVE,
  delete: WireVerb.DELETE,
  pauseQueue: WireVerb.PAUSE_QUEUE,
  resumeQueue: WireVerb.RESUME_QUEUE,
  drainQueue: WireVerb.DRAIN_QUEUE,
  clearQueue: WireVerb.CLEAR_QUEUE,
  destroyQueue: WireVerb.DESTROY_QUEUE,
  setConcurrency: WireVerb.SET_CONCURRENCY,
  setThrottle: WireVerb.SET_THROTTLE,
  removeThrottle: WireVerb.REMOVE_THROTTLE,
  tick: WireVerb.TICK,
  leadership: WireVerb.LEADERSHIP,
};

/** Bit of `Command.flags`: an absent result stays absent. */
export const flagKeepAbsentResult = 1;

/** One command, as the log has it. */
export interface WireCommand {
  verb: WireVerb;
  flags: number;
  requestHash: Uint8Array;
  body: Uint8Array;
}

export function encodeEntry(clockMs: number, commands: readonly WireCommand[]): Uint8Array {
  const entry = create(LogEntrySchema, {
    version: 1,
    engineLevel: 1,
    logTimeMs: BigInt(clockMs),
    commands: commands.map((command) => create(CommandSchema, command)),
  });
  return toBinary(LogEntrySchema, entry);
}

export function encodeCommand(command: Command): WireCommand {
  const flags = "keepAbsentResult" in command && command.keepAbsentResult ? flagKeepAbsentResult : 0;
  return { verb: wireVerbs[command.verb], flags, requestHash: hashOf(command.requestId?.hash), body: encodeBody(command) };
}

/** 16 bytes that stand for the text: FNV-1a over it with four starting values. The real hash is the server's business. */
function hashOf(text: string | undefined): Uint8Array {
  if (text === undefined) return new Uint8Array(0);
  const words = new Uint32Array(4);
  for (let w = 0; w < 4; w++) {
    let hash = 0x811c9dc5 ^ (w * 0x9e3779b9);
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    words[w] = hash;
  }
  return new Uint8Array(words.buffer);
}

function encodeBody(command: Command): Uint8Array {
  const requestId = command.requestId?.id ?? "";
  switch (command.verb) {
    case "enqueue":
      return toBinary(worker.EnqueueRequestSchema, create(worker.EnqueueRequestSchema, { ...enqueueInit(command.job), requestId }));
    case "enqueueBatch":
      return toBinary(worker.EnqueueBatchRequestSchema, create(worker.EnqueueBatchRequestSchema, { jobs: command.jobs.map(enqueueInit), requestId }));
    case "fetch":
      return toBinary(worker.FetchRequestSchema, create(worker.FetchRequestSchema, { ...fetchInit(command), requestId }));
    case "fetchBatch":
      return toBinary(worker.FetchBatchRequestSchema, create(worker.FetchBatchRequestSchema, { ...fetchInit(command), count: command.count, requestId }));
    case "ack":
      return toBinary(worker.AckRequestSchema, create(worker.AckRequestSchema, { ...ackInit(command), checkpointJson: command.checkpoint, requestId }));
    case "ackBatch":
      return toBinary(worker.AckBatchRequestSchema, create(worker.AckBatchRequestSchema, { items: command.items.map(ackInit), requestId }));
    case "fail": {
      const { jobId, error, backtrace, fence } = command;
      return toBinary(worker.FailRequestSchema, create(worker.FailRequestSchema, { jobId, error, backtrace, fence: BigInt(fence ?? 0), requestId }));
    }
    case "heartbeat": {
      const jobs = Object.entries(command.jobs).map(([id, update]) => {
        const init = { progressJson: update.progress ?? "", checkpointJson: update.checkpoint ?? "", fence: BigInt(update.fence ?? 0) };
        return [id, create(worker.HeartbeatJobUpdateSchema, init)] as const;
      });
      return toBinary(worker.HeartbeatRequestSchema, create(worker.HeartbeatRequestSchema, { jobs: Object.fromEntries(jobs) }));
    }
    case "lifecycle": {
      const init = {
        ...fetchInit(command),
        requestId: BigInt(command.correlation),
        fetchCount: command.fetchCount,
        acks: command.acks.map(ackInit),
        enqueues: command.enqueues.map(enqueueInit),
      };
      return toBinary(worker.LifecycleStreamRequestSchema, create(worker.LifecycleStreamRequestSchema, init));
    }
    case "retry":
      return toBinary(job.RetryJobRequestSchema, create(job.RetryJobRequestSchema, { jobId: command.jobId, requestId }));
    case "cancel":
      return toBinary(job.CancelJobRequestSchema, create(job.CancelJobRequestSchema, { jobId: command.jobId, requestId }));
    case "hold":
      return toBinary(job.HoldJobRequestSchema, create(job.HoldJobRequestSchema, { jobId: command.jobId, requestId }));
    case "approve":
      return toBinary(job.ApproveJobRequestSchema, create(job.ApproveJobRequestSchema, { jobId: command.jobId, requestId }));
    case "reject":
      return toBinary(job.RejectJobRequestSchema, create(job.RejectJobRequestSchema, { jobId: command.jobId, requestId }));
    case "delete":
      return toBinary(job.DeleteJobRequestSchema, create(job.DeleteJobRequestSchema, { jobId: command.jobId, requestId }));
    case "move":
      return toBinary(job.MoveJobRequestSchema, create(job.MoveJobRequestSchema, { jobId: command.jobId, queue: command.queue, requestId }));
    case "pauseQueue":
      return toBinary(queue.PauseQueueRequestSchema, create(queue.PauseQueueRequestSchema, { name: command.queue, requestId }));
    case "resumeQueue":
      return toBinary(queue.ResumeQueueRequestSchema, create(queue.ResumeQueueRequestSchema, { name: command.queue, requestId }));
    case "drainQueue":
      return toBinary(queue.DrainQueueRequestSchema, create(queue.DrainQueueRequestSchema, { name: command.queue, requestId }));
    case "clearQueue":
      return toBinary(queue.ClearQueueRequestSchema, create(queue.ClearQueueRequestSchema, { name: command.queue, requestId }));
    case "destroyQueue":
      return toBinary(queue.DestroyQueueRequestSchema, create(queue.DestroyQueueRequestSchema, { name: command.queue, requestId }));
    case "removeThrottle":
      return toBinary(queue.RemoveThrottleRequestSchema, create(queue.RemoveThrottleRequestSchema, { name: command.queue, requestId }));
    case "setConcurrency":
      return toBinary(queue.SetConcurrencyRequestSchema, create(queue.SetConcurrencyRequestSchema, { name: command.queue, max: command.max, requestId }));
    case "setThrottle": {
      const { queue: name, rate, windowMs } = command;
      return toBinary(queue.SetThrottleRequestSchema, create(queue.SetThrottleRequestSchema, { name, rate, windowMs, requestId }));
    }
    case "tick":
      return new Uint8Array(0);
    case "leadership":
      return toBinary(LeadershipCommandSchema, create(LeadershipCommandSchema, { pauseMs: BigInt(command.pauseMs) }));
  }
}

function enqueueInit(given: NewJob) {
  return {
    queue: given.queue,
    payloadJson: given.payload ?? "",
    agent: given.agent,
    priority: given.priority ?? "",
    uniqueKey: given.uniqueKey ?? "",
    uniquePeriod: BigInt(given.uniquePeriodSeconds ?? 0),
    maxRetries: given.maxRetries,
    retryBackoff: given.backoff ?? "",
    retryBaseDelay: given.retryBaseDelay ?? "",
    retryMaxDelay: given.retryMaxDelay ?? "",
    scheduledAt: given.scheduledAtMs === undefined ? undefined : timestampOf(given.scheduledAtMs),
    expireAfter: given.expireAfter ?? "",
    tagsJson: given.tags ?? "",
    checkpointJson: given.checkpoint ?? "",
    parentId: given.parentId ?? "",
    expireAfterMs: BigInt(given.expireAfterMs ?? 0),
    retryBaseDelayMs: BigInt(given.retryBaseDelayMs ?? 0),
    retryMaxDelayMs: BigInt(given.retryMaxDelayMs ?? 0),
  } satisfies MessageInitShape<typeof worker.EnqueueRequestSchema>;
}

function fetchInit({ queues, workerId, hostname, leaseSeconds }: FetchFrom) {
  return { queues, workerId, hostname, leaseDuration: leaseSeconds };
}

function ackInit({ jobId, result, fence }: AckItem) {
  return { jobId, resultJson: result ?? "", fence: BigInt(fence ?? 0) };
}

function timestampOf(ms: number): Timestamp {
  const whole = timestampFromMs(Math.floor(ms));
  whole.nanos += Math.round((ms - Math.floor(ms)) * 1_000_000);
  return whole;
}

/** Reads the answer to a command of this verb. */
export function decodeAnswer(verb: Verb, bytes: Uint8Array): Outcome {
  switch (verb) {
    case "enqueue": {
      const { jobId, status, uniqueExisting, logIndex } = fromBinary(worker.EnqueueResponseSchema, bytes);
      if (uniqueExisting !== (status === "duplicate")) throw new Error(`unique_existing ${uniqueExisting} beside status ${status}`);
      return { kind: "enqueued", jobId, status: status as EnqueueStatus, logIndex: Number(logIndex) };
    }
    case "enqueueBatch": {
      const { jobIds, outcomes, logIndex } = fromBinary(worker.EnqueueBatchResponseSchema, bytes);
      return { kind: "enqueuedBatch", jobIds, statuses: outcomes.map(enqueueStatus), logIndex: Number(logIndex) };
    }
    case "fetch": {
      const answer = fromBinary(worker.FetchResponseSchema, bytes);
      return { kind: "fetched", job: answer.found ? grantOf(answer) : undefined };
    }
    case "fetchBatch":
      return { kind: "fetchedBatch", jobs: fromBinary(worker.FetchBatchResponseSchema, bytes).jobs.map(grantOf) };
    case "ack":
      fromBinary(worker.AckResponseSchema, bytes);
      return { kind: "acked" };
    case "ackBatch": {
      const { acked, outcomes } = fromBinary(worker.AckBatchResponseSchema, bytes);
      return { kind: "ackedBatch", acked, statuses: outcomes.map(ackStatus) };
    }
    case "fail": {
      const { status, nextAttemptAt, attemptsRemaining } = fromBinary(worker.FailResponseSchema, bytes);
      return { kind: "failed", status: status as "retrying" | "dead", nextAttemptMs: nextAttemptAt && timestampMs(nextAttemptAt), attemptsRemaining };
    }
    case "heartbeat": {
      const { jobs } = fromBinary(worker.HeartbeatResponseSchema, bytes);
      const answers = Object.entries(jobs).map(([id, { status, reason }]) => [id, { status: status as "ok" | "cancel", reason }] as const);
      return { kind: "beaten", jobs: Object.fromEntries(answers) };
    }
    case "lifecycle": {
      const { requestId, jobs, acked, error, enqueuedJobIds, outcomes, enqueueOutcomes } = fromBinary(worker.LifecycleStreamResponseSchema, bytes);
      return {
        kind: "frame",
        correlation: Number(requestId),
        jobs: jobs.map(grantOf),
        acked,
        ackStatuses: outcomes.map(ackStatus),
        error,
        jobIds: enqueuedJobIds,
        statuses: enqueueOutcomes.map(enqueueStatus),
      };
    }
    case "retry":
    case "cancel":
    case "hold":
    case "approve":
    case "reject":
    case "move":
    case "delete":
    case "pauseQueue":
    case "resumeQueue":
    case "drainQueue":
    case "clearQueue":
    case "destroyQueue":
    case "setConcurrency":
    case "setThrottle":
    case "removeThrottle":
      // All of these answers have one field under the same number: the status.
      return { kind: "done", status: fromBinary(job.RetryJobResponseSchema, bytes).status };
    case "tick":
    case "leadership":
      return { kind: "silent" };
  }
}

function grantOf(from: worker.FetchBatchJob | worker.FetchResponse): Grant {
  const { jobId, queue, payloadJson, attempt, maxRetries, leaseDuration, checkpointJson, tagsJson, agent, fence } = from;
  return {
    jobId,
    queue,
    payload: payloadJson,
    attempt,
    maxRetries,
    leaseSeconds: leaseDuration,
    checkpoint: checkpointJson,
    tags: tagsJson,
    agent: agent && {
      maxIterations: agent.maxIterations,
      maxCostUsd: agent.maxCostUsd,
      iterationTimeout: agent.iterationTimeout,
      iteration: agent.iteration,
      totalCostUsd: agent.totalCostUsd,
    },
    fence: Number(fence),
  };
}

function enqueueStatus(outcome: worker.EnqueueOutcome): EnqueueStatus {
  const statuses: Partial<Record<worker.EnqueueOutcome, EnqueueStatus>> = {
    [worker.EnqueueOutcome.PENDING]: "pending",
    [worker.EnqueueOutcome.SCHEDULED]: "scheduled",
    [worker.EnqueueOutcome.DUPLICATE]: "duplicate",
  };
  const status = statuses[outcome];
  if (!status) throw new Error(`outcome ${worker.EnqueueOutcome[outcome]} of an enqueue that was valid`);
  return status;
}

function ackStatus(outcome: worker.AckOutcome): AckStatus {
  const statuses: Partial<Record<worker.AckOutcome, AckStatus>> = {
    [worker.AckOutcome.ACKED]: "acked",
    [worker.AckOutcome.NOT_FOUND]: "not_found",
    [worker.AckOutcome.NOT_ACTIVE]: "not_active",
    [worker.AckOutcome.STALE_FENCE]: "stale_fence",
  };
  const status = statuses[outcome];
  if (!status) throw new Error(`outcome ${worker.AckOutcome[outcome]} of an ack that was valid`);
  return status;
}
