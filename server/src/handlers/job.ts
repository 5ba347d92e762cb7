import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { JobRecord } from "@corvo/engine";
import {
  BulkGetJobsRequestSchema,
  BulkGetJobsResponseSchema,
  GetJobRequestSchema,
  GetJobResponseSchema,
  type JobSchema,
  JobState,
} from "@corvo/gen/corvo/v1/job_pb.js";
import { limits, parseJobId } from "@corvo/protocol";
import { RpcError, type UnaryHandler } from "@corvo/transport";
import { dependencies } from "./batch.js";
import type { HandlerContext } from "./context.js";

/** One job, live or finished, as of the last applied index. */
export function getJobHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    async handle(_call, request) {
      const { jobId } = decoded(() => fromBinary(GetJobRequestSchema, request));
      const record = await findJob(context, jobId);
      if (!record) throw new RpcError("not_found", "NOT_FOUND", `job "${jobId}" not found`, { field: "job_id" });
      return toBinary(GetJobResponseSchema, create(GetJobResponseSchema, { job: await fullJob(context, record) }));
    },
  };
}

export function bulkGetJobsHandler(context: HandlerContext): UnaryHandler {
  return {
    kind: "unary",
    async handle(_call, request) {
      const { jobIds } = decoded(() => fromBinary(BulkGetJobsRequestSchema, request));
      if (jobIds.length === 0) throw new RpcError("invalid_argument", "REQUIRED", "job_ids array is required", { field: "job_ids" });
      if (jobIds.length > limits.bulkGetIdsMax) {
        throw new RpcError("invalid_argument", "TOO_LARGE", `job_ids exceeds maximum of ${limits.bulkGetIdsMax} items`, { field: "job_ids" });
      }
      const records = await Promise.all(jobIds.map((id) => findJob(context, id)));
      const found = await Promise.all(records.filter((r) => r !== undefined).map((record) => fullJob(context, record)));
      return toBinary(BulkGetJobsResponseSchema, create(BulkGetJobsResponseSchema, { jobs: found }));
    },
  };
}

/** A job may end or come back to life while the archive is read: then it is looked for again. */
export async function findJob(context: HandlerContext, text: string): Promise<JobRecord | undefined> {
  const id = parseJobId(text);
  if (!id) return undefined;
  const { engine } = context.replica;
  for (let attempt = 0; attempt < 5; attempt++) {
    const live = engine.findLive(id);
    if (live) return live;
    const seq = engine.finishedSeq(id);
    if (seq === undefined) return undefined;
    const index = engine.appliedIndex;
    const found = await context.archive.find(seq);
    const record = found && engine.readArchived(found.bytes, found.place);
    if (record) return record.id === text ? record : undefined;
    if (engine.appliedIndex === index) return undefined;
  }
  return undefined;
}

/** Runs a decoder; bytes that are not the message are the caller's fault. */
export function decoded<T>(run: () => T): T {
  try {
    return run();
  } catch {
    throw new RpcError("invalid_argument", "INVALID_MESSAGE", "malformed protobuf");
  }
}

/** The message of a job with what it waits for, if it does. */
async function fullJob(context: HandlerContext, record: JobRecord): Promise<MessageInitShape<typeof JobSchema>> {
  const message = jobMessage(record);
  if (record.waits > 0) message.waitingFor = (await dependencies(context, record)).filter(({ met }) => !met);
  return message;
}

/** Lower-case name of a state, as REST shows it. */
export function stateName(state: number): string {
  return JobState[state].toLowerCase();
}

const text = new TextDecoder();

export function jobMessage(r: JobRecord): MessageInitShape<typeof JobSchema> {
  return {
    id: r.id,
    queue: r.queue,
    state: r.state,
    payloadJson: text.decode(r.payload),
    priority: r.priority,
    attempt: r.attempt,
    maxRetries: r.maxRetries,
    retryBackoff: r.retryBackoff,
    retryBaseDelayMs: BigInt(r.retryBaseDelayMs),
    retryMaxDelayMs: BigInt(r.retryMaxDelayMs),
    uniqueKey: r.uniqueKey,
    workerId: r.workerId,
    hostname: r.hostname,
    tagsJson: text.decode(r.tags),
    progressJson: text.decode(r.progress),
    checkpointJson: text.decode(r.checkpoint),
    resultJson: text.decode(r.result),
    leaseExpiresAt: timestamp(r.leaseExpiresMs),
    scheduledAt: timestamp(r.scheduledMs),
    expireAt: timestamp(r.expireMs),
    parentId: r.parentId,
    batchId: r.batchId,
    chainId: r.chainId,
    chainStep: r.chainStep,
    chainConfigJson: text.decode(r.chainConfig),
    createdAt: timestamp(r.createdMs),
    startedAt: timestamp(r.startedMs),
    completedAt: timestamp(r.completedMs),
    failedAt: timestamp(r.failedMs),
    cancelledAt: timestamp(r.cancelledMs),
    errors: r.failures.map((f, i) => ({
      id: BigInt(r.failuresTotal - r.failures.length + i + 1),
      jobId: r.id,
      attempt: f.attempt,
      error: f.error,
      backtrace: f.backtrace,
      createdAt: timestamp(f.atMs),
    })),
    agent: r.agent,
    holdReason: r.holdReason,
    revisionNote: r.revisionNote,
    revisions: r.revisions,
    costUsd: r.costUsd,
    scheduleId: r.scheduleId,
    scheduleSlotAt: timestamp(r.scheduleSlotMs),
    fence: BigInt(r.fence),
  };
}

/** Unix milliseconds; 0: absent. */
export function timestamp(ms: number): Timestamp | undefined {
  if (ms === 0) return undefined;
  const seconds = Math.floor(ms / 1000);
  return { $typeName: "google.protobuf.Timestamp", seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}
