import type { DescMessage } from "@bufbuild/protobuf";
import { LeadershipCommandSchema } from "@corvo/gen/corvo/internal/v1/log_pb.js";
import { ReplayJobRequestSchema, SetApprovalPolicyRequestSchema } from "@corvo/gen/corvo/v1/agent_pb.js";
import { CreateBatchRequestSchema, SealBatchRequestSchema } from "@corvo/gen/corvo/v1/batch_pb.js";
import { DeleteBudgetRequestSchema, SetBudgetRequestSchema } from "@corvo/gen/corvo/v1/budget_pb.js";
import { CancelBulkTaskRequestSchema } from "@corvo/gen/corvo/v1/bulk_pb.js";
import * as job from "@corvo/gen/corvo/v1/job_pb.js";
import * as queue from "@corvo/gen/corvo/v1/queue_pb.js";
import * as worker from "@corvo/gen/corvo/v1/worker_pb.js";
import type { AckItem, BatchCallback, Command, FetchFrom, HeartbeatUpdate, JobVerb, QueueVerb, UsageReport, Verb } from "../model/command.js";
import { type BodyCodec, codec } from "./codec.js";
import { enqueueInit, newItem, newJob } from "./job.js";
import { scheduleBodies } from "./schedule.js";

/** Bit of `Command.flags`: an absent result stays absent. */
export const flagKeepAbsentResult = 1;

type Of<V extends Verb> = Extract<Command, { verb: V }>;

type OneJob = DescMessage & typeof job.RetryJobRequestSchema;
type OneQueue = DescMessage & typeof queue.PauseQueueRequestSchema;
const jobVerb = (verb: JobVerb, schema: DescMessage): BodyCodec =>
  codec(
    schema as OneJob,
    ({ jobId }: { verb: JobVerb; jobId: string }) => ({ jobId }),
    ({ jobId }) => ({ verb, jobId }),
  );
const queueVerb = (verb: QueueVerb, schema: DescMessage): BodyCodec =>
  codec(
    schema as OneQueue,
    ({ queue: name }: { verb: QueueVerb; queue: string }) => ({ name }),
    ({ name }) => ({ verb, queue: name }),
  );

export const bodies: Record<Exclude<Verb, "tick" | "bulk" | "bulkStart">, BodyCodec> = {
  enqueue: codec(
    worker.EnqueueRequestSchema,
    ({ job }: Of<"enqueue">) => enqueueInit(job),
    (message) => ({ verb: "enqueue", job: newJob(message) }),
  ),
  enqueueBatch: codec(
    worker.EnqueueBatchRequestSchema,
    ({ jobs, batch }: Of<"enqueueBatch">) => ({ jobs: jobs.map(enqueueInit), batch: batch && callbackInit(batch) }),
    ({ jobs, batch }) => ({ verb: "enqueueBatch", jobs: jobs.map(newItem), batch: batch && callbackOf(batch) }),
  ),
  createBatch: codec(
    CreateBatchRequestSchema,
    (command: Of<"createBatch">) => callbackInit(command),
    (message) => ({ verb: "createBatch", ...callbackOf(message) }),
  ),
  sealBatch: codec(
    SealBatchRequestSchema,
    ({ batchId }: Of<"sealBatch">) => ({ batchId }),
    ({ batchId }) => ({ verb: "sealBatch", batchId }),
  ),
  fetch: codec(worker.FetchRequestSchema, fetchInit<Of<"fetch">>, (message) => ({ verb: "fetch", ...fetchFrom(message) })),
  fetchBatch: codec(
    worker.FetchBatchRequestSchema,
    (command: Of<"fetchBatch">) => ({ ...fetchInit(command), count: command.count }),
    (message) => ({ verb: "fetchBatch", count: message.count, ...fetchFrom(message) }),
  ),
  ack: codec(
    worker.AckRequestSchema,
    (command: Of<"ack">) => ackInit(command),
    (message, flags) => ({ verb: "ack", ...ackItem(message), keepAbsentResult: keeps(flags) }),
  ),
  ackBatch: codec(
    worker.AckBatchRequestSchema,
    ({ items }: Of<"ackBatch">) => ({ items: items.map(ackInit) }),
    ({ items }, flags) => ({ verb: "ackBatch", items: items.map(ackItem), keepAbsentResult: keeps(flags) }),
  ),
  fail: codec(
    worker.FailRequestSchema,
    ({ jobId, error, backtrace, fence }: Of<"fail">) => ({ jobId, error, backtrace, fence: BigInt(fence ?? 0) }),
    ({ jobId, error, backtrace, fence }) => ({ verb: "fail", jobId, error, backtrace, fence: Number(fence) }),
  ),
  step: codec(
    worker.StepRequestSchema,
    ({ jobId, keep, result, checkpoint, jobs, fence }: Of<"step">) => ({
      jobId,
      keep,
      resultJson: result,
      checkpointJson: checkpoint,
      jobs: jobs.map(enqueueInit),
      fence: BigInt(fence ?? 0),
    }),
    ({ jobId, keep, resultJson, checkpointJson, jobs, fence }, flags) => ({
      verb: "step",
      jobId,
      keep,
      result: resultJson,
      checkpoint: checkpointJson,
      jobs: jobs.map(newItem),
      fence: Number(fence),
      keepAbsentResult: keeps(flags),
    }),
  ),
  release: codec(
    worker.ReleaseRequestSchema,
    ({ jobId, checkpoint, fence }: Of<"release">) => ({ jobId, checkpointJson: checkpoint, fence: BigInt(fence ?? 0) }),
    ({ jobId, checkpointJson, fence }) => ({ verb: "release", jobId, checkpoint: checkpointJson, fence: Number(fence) }),
  ),
  heartbeat: codec(
    worker.HeartbeatRequestSchema,
    ({ jobs }: Of<"heartbeat">) => ({ jobs: mapValues(jobs, updateInit) }),
    ({ jobs }) => ({ verb: "heartbeat", jobs: mapValues(jobs, update) }),
  ),
  lifecycle: codec(
    worker.LifecycleStreamRequestSchema,
    (command: Of<"lifecycle">) => ({
      ...fetchInit(command),
      requestId: BigInt(command.correlation),
      fetchCount: command.fetchCount,
      acks: command.acks.map(ackInit),
      enqueues: command.enqueues.map(enqueueInit),
    }),
    (message) => ({
      verb: "lifecycle",
      ...fetchFrom(message),
      correlation: Number(message.requestId),
      fetchCount: message.fetchCount,
      acks: message.acks.map(ackItem),
      enqueues: message.enqueues.map(newItem),
    }),
  ),
  retry: jobVerb("retry", job.RetryJobRequestSchema),
  requeue: jobVerb("requeue", job.RequeueJobRequestSchema),
  cancel: jobVerb("cancel", job.CancelJobRequestSchema),
  hold: jobVerb("hold", job.HoldJobRequestSchema),
  approve: jobVerb("approve", job.ApproveJobRequestSchema),
  reject: codec(
    job.RejectJobRequestSchema,
    ({ jobId }: { verb: "reject"; jobId: string }) => ({ jobId }),
    // One rpc, two verbs: what has a revision is the other one.
    ({ jobId, revise, payloadJson, checkpointJson, note }) =>
      (revise ? { verb: "revise", jobId, payload: payloadJson, checkpoint: checkpointJson, note } : { verb: "reject", jobId }) as {
        verb: "reject";
        jobId: string;
      },
  ),
  revise: codec(
    job.RejectJobRequestSchema,
    ({ jobId, payload, checkpoint, note }: Of<"revise">) => ({ jobId, revise: true, payloadJson: payload, checkpointJson: checkpoint, note }),
    ({ jobId, payloadJson, checkpointJson, note }) => ({ verb: "revise", jobId, payload: payloadJson, checkpoint: checkpointJson, note }),
  ),
  replay: codec(
    ReplayJobRequestSchema,
    ({ jobId, from }: Of<"replay">) => ({ jobId, from }),
    ({ jobId, from }) => ({ verb: "replay", jobId, from }),
  ),
  setBudget: codec(
    SetBudgetRequestSchema,
    ({ scope, target, dailyUsd, perJobUsd, onExceed, of }: Of<"setBudget">) => ({ scope, target, dailyUsd, perJobUsd, onExceed, namespace: of }),
    ({ scope, target, dailyUsd, perJobUsd, onExceed, namespace }) =>
      ({ verb: "setBudget", scope, target, dailyUsd, perJobUsd, onExceed, of: namespace || undefined }) as Of<"setBudget">,
  ),
  deleteBudget: codec(
    DeleteBudgetRequestSchema,
    ({ scope, target, of }: Of<"deleteBudget">) => ({ scope, target, namespace: of }),
    ({ scope, target, namespace }) => ({ verb: "deleteBudget", scope, target, of: namespace || undefined }) as Of<"deleteBudget">,
  ),
  setPolicy: codec(
    SetApprovalPolicyRequestSchema,
    ({ verb: _verb, requestId: _requestId, ...policy }: Of<"setPolicy">) => policy,
    ({ name, mode, enabled = true, queue: of, tagKey, tagValue, minCostUsd, minIteration }) => ({
      ...{ verb: "setPolicy", name, mode, enabled, queue: of, tagKey, tagValue, minCostUsd, minIteration },
    }),
  ),
  delete: jobVerb("delete", job.DeleteJobRequestSchema),
  move: codec(
    job.MoveJobRequestSchema,
    ({ jobId, queue }: Of<"move">) => ({ jobId, queue }),
    ({ jobId, queue }) => ({ verb: "move", jobId, queue }),
  ),
  changePriority: codec(
    job.ChangeJobPriorityRequestSchema,
    ({ jobId, priority }: Of<"changePriority">) => ({ jobId, priority }),
    ({ jobId, priority }) => ({ verb: "changePriority", jobId, priority }),
  ),
  pauseQueue: queueVerb("pauseQueue", queue.PauseQueueRequestSchema),
  resumeQueue: queueVerb("resumeQueue", queue.ResumeQueueRequestSchema),
  drainQueue: queueVerb("drainQueue", queue.DrainQueueRequestSchema),
  clearQueue: queueVerb("clearQueue", queue.ClearQueueRequestSchema),
  destroyQueue: queueVerb("destroyQueue", queue.DestroyQueueRequestSchema),
  removeThrottle: queueVerb("removeThrottle", queue.RemoveThrottleRequestSchema),
  setConcurrency: codec(
    queue.SetConcurrencyRequestSchema,
    ({ queue: name, max }: Of<"setConcurrency">) => ({ name, max }),
    ({ name, max }) => ({ verb: "setConcurrency", queue: name, max }),
  ),
  setDepthLimit: codec(
    queue.SetDepthLimitRequestSchema,
    ({ queue: name, max }: Of<"setDepthLimit">) => ({ name, max }),
    ({ name, max }) => ({ verb: "setDepthLimit", queue: name, max }),
  ),
  setThrottle: codec(
    queue.SetThrottleRequestSchema,
    ({ queue: name, rate, windowMs }: Of<"setThrottle">) => ({ name, rate, windowMs }),
    ({ name, rate, windowMs }) => ({ verb: "setThrottle", queue: name, rate, windowMs }),
  ),
  cancelBulkTask: codec(
    CancelBulkTaskRequestSchema,
    ({ id }: Of<"cancelBulkTask">) => ({ id }),
    ({ id }) => ({ verb: "cancelBulkTask", id }),
  ),
  ...scheduleBodies,
  leadership: codec(
    LeadershipCommandSchema,
    ({ pauseMs }: Of<"leadership">) => ({ pauseMs: BigInt(pauseMs) }),
    ({ pauseMs }) => ({ verb: "leadership", pauseMs: Number(pauseMs) }),
  ),
};

function keeps(flags: number): boolean {
  return (flags & flagKeepAbsentResult) !== 0;
}

function mapValues<A, B>(from: Record<string, A>, to: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(from).map(([key, value]) => [key, to(value)]));
}

function callbackInit({ callbackQueue, callbackPayload }: BatchCallback) {
  return { callbackQueue, callbackPayloadJson: callbackPayload };
}

function callbackOf({ callbackQueue, callbackPayloadJson }: { callbackQueue: string; callbackPayloadJson: string }): BatchCallback {
  return { callbackQueue, callbackPayload: callbackPayloadJson };
}

function fetchInit<C extends FetchFrom>({ queues, workerId, hostname, leaseSeconds }: C) {
  return { queues, workerId, hostname, leaseDuration: leaseSeconds };
}

function fetchFrom({ queues, workerId, hostname, leaseDuration }: { queues: string[]; workerId: string; hostname: string; leaseDuration: number }): FetchFrom {
  return { queues, workerId, hostname, leaseSeconds: leaseDuration };
}

function ackInit({ jobId, result, checkpoint, fence, agentStatus, holdReason, usage, stepStatus }: AckItem) {
  return { jobId, resultJson: result, checkpointJson: checkpoint, fence: BigInt(fence ?? 0), agentStatus, holdReason, usage: usageInit(usage), stepStatus };
}

function ackItem(message: worker.AckRequest | worker.AckBatchItem): AckItem {
  const { jobId, resultJson, checkpointJson, fence, agentStatus, holdReason, usage, stepStatus } = message;
  return { jobId, result: resultJson, checkpoint: checkpointJson, fence: Number(fence), agentStatus, holdReason, usage: usageOf(usage), stepStatus };
}

function usageInit(usage: UsageReport | undefined) {
  return usage && { costUsd: usage.costUsd, inputTokens: BigInt(usage.inputTokens ?? 0), model: usage.model };
}

function usageOf(usage: worker.UsageReport | undefined): UsageReport | undefined {
  return usage && { costUsd: usage.costUsd, inputTokens: Number(usage.inputTokens), model: usage.model };
}

function updateInit({ progress, checkpoint, fence, usage }: HeartbeatUpdate) {
  return { progressJson: progress, checkpointJson: checkpoint, fence: BigInt(fence ?? 0), usage: usageInit(usage) };
}

function update({ progressJson, checkpointJson, fence, usage }: worker.HeartbeatJobUpdate): HeartbeatUpdate {
  return { progress: progressJson, checkpoint: checkpointJson, fence: Number(fence), usage: usageOf(usage) };
}
