import {
  bulkOutcomeNames,
  bulkStateNames,
  type BulkTaskRecord as EngineBulkTask,
  type JobRecord as EngineJob,
  type QueueRecord as EngineQueue,
  type IterationInfo,
  jobStateNames,
} from "@corvo/engine";
import { formatJobId, readBulkBlock } from "@corvo/protocol";
import type { BulkTaskRecord, JobRecord, JobState, QueueRecord } from "./model/command.js";
import { actionOf } from "./wire/bulk.js";

const text = new TextDecoder();

export function plainJob(record: EngineJob, iterations: readonly IterationInfo[]): JobRecord {
  const { id, queue, priority, attempt, maxRetries, retryBaseDelayMs, retryMaxDelayMs, uniqueKey, workerId, hostname, parentId, createdMs } = record;
  return {
    id,
    queue,
    state: jobStateNames[record.state] as JobState,
    payload: text.decode(record.payload),
    priority,
    attempt,
    maxRetries,
    backoff: record.retryBackoff,
    retryBaseDelayMs,
    retryMaxDelayMs,
    uniqueKey,
    workerId,
    hostname,
    tags: text.decode(record.tags),
    progress: text.decode(record.progress),
    checkpoint: text.decode(record.checkpoint),
    result: text.decode(record.result),
    leaseExpiresMs: given(record.leaseExpiresMs),
    scheduledMs: given(record.scheduledMs),
    expireMs: given(record.expireMs),
    parentId,
    createdMs,
    startedMs: given(record.startedMs),
    completedMs: given(record.completedMs),
    failedMs: given(record.failedMs),
    cancelledMs: given(record.cancelledMs),
    errors: record.failures.map(({ attempt: at, error, backtrace, atMs }) => ({ attempt: at, error, backtrace, atMs })),
    agent: record.agent,
    holdReason: record.holdReason,
    note: record.revisionNote,
    revisions: record.revisions,
    costUsd: record.costUsd,
    iterations: iterations.map((one) => ({
      ...{ id: one.id, iteration: one.iteration, status: one.status, checkpoint: text.decode(one.checkpoint), holdReason: one.holdReason },
      ...{ result: text.decode(one.result), costUsd: one.costUsd },
    })),
    batchId: record.batchId,
    scheduleId: record.scheduleId,
    scheduleSlotMs: given(record.scheduleSlotMs),
    chainId: chainIdOf(record.chainId),
    chainStep: record.chainStep,
    chainConfig: record.chainConfig.length > 0 ? (JSON.parse(text.decode(record.chainConfig)) as object) : undefined,
    waits: record.waits,
    fence: record.fence,
  };
}

export function plainQueue(queue: EngineQueue): QueueRecord {
  const { name, paused, maxConcurrency, maxDepth, rateLimit, rateWindowMs, createdMs, failed, oldestPendingMs, enqueued } = queue;
  const { pending, active, held, completed, retrying, dead, cancelled, scheduled } = queue;
  const counts = { pending, active, held, completed, retrying, dead, cancelled, scheduled };
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (total !== enqueued) throw new Error(`queue ${name} has ${enqueued} jobs and counts ${total}`);
  return { name, paused, maxConcurrency, maxDepth, rateLimit, rateWindowMs, createdMs, failed, counts, oldestPendingMs: given(oldestPendingMs) };
}

/** A bulk task with its jobs, which are in these blocks. */
export function plainBulkTask(task: EngineBulkTask, blocks: readonly Uint8Array[]): BulkTaskRecord {
  const { id, action, queue, priority, state, total, processed, affected, notFound, wrongState, refused, createdMs, stepMs, endedMs } = task;
  const items = blocks
    .map(readBulkBlock)
    .flatMap(({ seqs, times, outcomes }) => seqs.map((seq, i) => ({ jobId: formatJobId(times[i], seq), outcome: bulkOutcomeNames[outcomes[i]] })));
  return {
    ...{ id, action: actionOf(action), queue, priority, status: bulkStateNames[state], total, processed, affected, notFound, wrongState, refused },
    ...{ createdMs, stepMs, endedMs: given(endedMs), items },
  };
}

/** Ids of the server's making are as good as each other. */
export function chainIdOf(id: string): string {
  return /^chn_[0-9a-f]{26}$/.test(id) ? "new" : id;
}

/** The engine's 0 stands for "none". */
export function given(ms: number): number | undefined {
  return ms === 0 ? undefined : ms;
}
