import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { type Job, JobState } from "@corvo/gen/corvo/v1/job_pb.js";
import type { JobRecord, JobState as State } from "../../packages/simulator/src/model/command.js";
import { chainIdOf } from "../../packages/simulator/src/plain.js";

/** A job as the wire has it, in the model's words. */
export function recordOf(job: Job): JobRecord {
  return {
    id: job.id,
    queue: job.queue,
    state: JobState[job.state].toLowerCase() as State,
    payload: job.payloadJson,
    priority: job.priority,
    attempt: job.attempt,
    maxRetries: job.maxRetries,
    backoff: job.retryBackoff,
    retryBaseDelayMs: Number(job.retryBaseDelayMs),
    retryMaxDelayMs: Number(job.retryMaxDelayMs),
    uniqueKey: job.uniqueKey,
    workerId: job.workerId,
    hostname: job.hostname,
    tags: job.tagsJson,
    progress: job.progressJson,
    checkpoint: job.checkpointJson,
    result: job.resultJson,
    leaseExpiresMs: ms(job.leaseExpiresAt),
    scheduledMs: ms(job.scheduledAt),
    expireMs: ms(job.expireAt),
    parentId: job.parentId,
    createdMs: ms(job.createdAt) ?? 0,
    startedMs: ms(job.startedAt),
    completedMs: ms(job.completedAt),
    failedMs: ms(job.failedAt),
    cancelledMs: ms(job.cancelledAt),
    errors: job.errors.map(({ attempt, error, backtrace, createdAt }) => ({ attempt, error, backtrace, atMs: ms(createdAt) ?? 0 })),
    agent: job.agent && {
      maxIterations: job.agent.maxIterations,
      maxCostUsd: job.agent.maxCostUsd,
      iterationTimeout: job.agent.iterationTimeout,
      iteration: job.agent.iteration,
      totalCostUsd: job.agent.totalCostUsd,
    },
    holdReason: job.holdReason,
    note: job.revisionNote,
    revisions: job.revisions,
    costUsd: job.costUsd,
    iterations: [],
    batchId: job.batchId,
    scheduleId: job.scheduleId,
    scheduleSlotMs: ms(job.scheduleSlotAt),
    chainId: chainIdOf(job.chainId),
    chainStep: job.chainStep,
    chainConfig: job.chainConfigJson ? (JSON.parse(job.chainConfigJson) as object) : undefined,
    waits: job.waitingFor.filter(({ met }) => !met).length,
    fence: Number(job.fence),
  };
}

function ms(time: Timestamp | undefined): number | undefined {
  return time && timestampMs(time);
}
