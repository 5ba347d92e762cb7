import { fromBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { BulkChunkDoneSchema, BulkStartedSchema } from "@corvo/gen/corvo/internal/v1/bulk_pb.js";
import { SetApprovalPolicyResponseSchema } from "@corvo/gen/corvo/v1/agent_pb.js";
import { CreateBatchResponseSchema, SealBatchResponseSchema } from "@corvo/gen/corvo/v1/batch_pb.js";
import { SetBudgetResponseSchema } from "@corvo/gen/corvo/v1/budget_pb.js";
import { RetryJobResponseSchema } from "@corvo/gen/corvo/v1/job_pb.js";
import { PauseScheduleResponseSchema, PutScheduleResponseSchema, RunScheduleResponseSchema } from "@corvo/gen/corvo/v1/schedule_pb.js";
import * as worker from "@corvo/gen/corvo/v1/worker_pb.js";
import type { AckStatus, BulkWord, EnqueueStatus, Grant, Outcome, Verb } from "../model/command.js";

/** Reads the answer to a command of this verb. */
export function decodeAnswer(verb: Verb, bytes: Uint8Array): Outcome {
  switch (verb) {
    case "setBudget": {
      const { budget } = fromBinary(SetBudgetResponseSchema, bytes);
      if (!budget?.id.startsWith("budget_")) throw new Error(`budget id ${budget?.id}`);
      const { scope, target, namespace, dailyUsd, perJobUsd, onExceed, spentUsd, exceeded } = budget;
      return { kind: "budget", budget: { scope, target, namespace, dailyUsd, perJobUsd, onExceed, spentUsd, exceeded } };
    }
    case "setPolicy": {
      const { policy } = fromBinary(SetApprovalPolicyResponseSchema, bytes);
      if (!policy?.id.startsWith("apol_")) throw new Error(`policy id ${policy?.id}`);
      return { kind: "policy", name: policy.name, mode: policy.mode, enabled: policy.enabled };
    }
    case "replay":
    case "enqueue": {
      const { jobId, status, uniqueExisting, logIndex } = fromBinary(worker.EnqueueResponseSchema, bytes);
      if (uniqueExisting !== (status === "duplicate")) throw new Error(`unique_existing ${uniqueExisting} beside status ${status}`);
      return { kind: "enqueued", jobId, status: status as EnqueueStatus, logIndex: Number(logIndex) };
    }
    case "enqueueBatch": {
      const { jobIds, outcomes, batchId, logIndex } = fromBinary(worker.EnqueueBatchResponseSchema, bytes);
      return { kind: "enqueuedBatch", jobIds, statuses: outcomes.map(enqueueStatus), batchId: batchId || undefined, logIndex: Number(logIndex) };
    }
    case "createBatch": {
      const { batchId, logIndex } = fromBinary(CreateBatchResponseSchema, bytes);
      return { kind: "batchCreated", batchId, logIndex: Number(logIndex) };
    }
    case "sealBatch": {
      const { status, callbackJob, logIndex } = fromBinary(SealBatchResponseSchema, bytes);
      return { kind: "sealed", status: status as "sealed", callbackJobId: callbackJob?.id ?? "", logIndex: Number(logIndex) };
    }
    case "fetch": {
      const answer = fromBinary(worker.FetchResponseSchema, bytes);
      return { kind: "fetched", job: answer.found ? grantOf(answer) : undefined };
    }
    case "fetchBatch":
      return { kind: "fetchedBatch", jobs: fromBinary(worker.FetchBatchResponseSchema, bytes).jobs.map(grantOf) };
    case "ack": {
      const { state, holdReason, iteration } = fromBinary(worker.AckResponseSchema, bytes);
      return iteration === 0 ? { kind: "acked" } : { kind: "acked", agent: { state, holdReason, iteration } };
    }
    case "ackBatch": {
      const { acked, outcomes } = fromBinary(worker.AckBatchResponseSchema, bytes);
      return { kind: "ackedBatch", acked, statuses: outcomes.map(ackStatus) };
    }
    case "fail": {
      const { status, nextAttemptAt, attemptsRemaining } = fromBinary(worker.FailResponseSchema, bytes);
      return { kind: "failed", status: status as "retrying" | "dead", nextAttemptMs: nextAttemptAt && timestampMs(nextAttemptAt), attemptsRemaining };
    }
    case "step": {
      const { state, jobIds, outcomes, logIndex } = fromBinary(worker.StepResponseSchema, bytes);
      return { kind: "stepped", state, jobIds, statuses: outcomes.map(enqueueStatus), logIndex: Number(logIndex) };
    }
    case "release":
      fromBinary(worker.ReleaseResponseSchema, bytes);
      return { kind: "released" };
    case "heartbeat": {
      const { jobs } = fromBinary(worker.HeartbeatResponseSchema, bytes);
      const answers = Object.entries(jobs).map(
        ([id, { status, reason, budgetExceeded }]) => [id, { status: status as "ok" | "cancel", reason, budgetExceeded }] as const,
      );
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
    case "revise":
    case "deleteBudget":
    case "retry":
    case "requeue":
    case "changePriority":
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
    case "setDepthLimit":
    case "setThrottle":
    case "removeThrottle":
    case "cancelBulkTask":
      // All of these answers have one field under the same number: the status.
      return { kind: "done", status: fromBinary(RetryJobResponseSchema, bytes).status };
    case "bulk": {
      const words = ["", "done", "not_found", "wrong_state", "refused", "again"] as const;
      return { kind: "bulk", outcomes: [...fromBinary(BulkChunkDoneSchema, bytes).outcomes].map((number) => words[number] as BulkWord) };
    }
    case "bulkStart": {
      const { id, logIndex } = fromBinary(BulkStartedSchema, bytes);
      return { kind: "bulkStarted", id, logIndex: Number(logIndex) };
    }
    case "putSchedule": {
      const { id, name, replaced, logIndex } = fromBinary(PutScheduleResponseSchema, bytes);
      return { kind: "schedule", id, name, replaced, logIndex: Number(logIndex) };
    }
    case "runSchedule": {
      const { jobId, duplicate, logIndex } = fromBinary(RunScheduleResponseSchema, bytes);
      return { kind: "scheduleRun", jobId, duplicate, logIndex: Number(logIndex) };
    }
    case "deleteSchedule":
    case "pauseSchedule":
    case "resumeSchedule":
      fromBinary(PauseScheduleResponseSchema, bytes);
      return { kind: "done", status: "" };
    case "scheduleSlots":
    case "tick":
    case "leadership":
      return { kind: "silent" };
  }
}

function grantOf(from: worker.FetchBatchJob | worker.FetchResponse): Grant {
  const { jobId, queue, payloadJson, attempt, maxRetries, leaseDuration, checkpointJson, tagsJson, agent, fence, revisionNote } = from;
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
    note: revisionNote,
    fence: Number(fence),
  };
}

function enqueueStatus(outcome: worker.EnqueueOutcome): EnqueueStatus {
  const statuses: Partial<Record<worker.EnqueueOutcome, EnqueueStatus>> = {
    [worker.EnqueueOutcome.PENDING]: "pending",
    [worker.EnqueueOutcome.SCHEDULED]: "scheduled",
    [worker.EnqueueOutcome.DUPLICATE]: "duplicate",
    [worker.EnqueueOutcome.REFUSED]: "refused",
  };
  const status = statuses[outcome];
  if (!status) throw new Error(`outcome ${worker.EnqueueOutcome[outcome]} of an enqueue`);
  return status;
}

function ackStatus(outcome: worker.AckOutcome): AckStatus {
  const statuses: Partial<Record<worker.AckOutcome, AckStatus>> = {
    [worker.AckOutcome.ACKED]: "acked",
    [worker.AckOutcome.NOT_FOUND]: "not_found",
    [worker.AckOutcome.NOT_ACTIVE]: "not_active",
    [worker.AckOutcome.STALE_FENCE]: "stale_fence",
    [worker.AckOutcome.REFUSED]: "refused",
    [worker.AckOutcome.CONTINUED]: "continued",
    [worker.AckOutcome.HELD]: "held",
    [worker.AckOutcome.BUDGET_EXCEEDED]: "budget_exceeded",
  };
  const status = statuses[outcome];
  if (!status) throw new Error(`outcome ${worker.AckOutcome[outcome]} of an ack`);
  return status;
}
