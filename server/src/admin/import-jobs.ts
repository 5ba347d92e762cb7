import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { EnqueueBatchRequestSchema, type EnqueueRequestSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { checkEnqueueBatch, isJobIdText, isRefusal, scanJsonValue, Verb } from "@corvo/protocol";
import { RpcError } from "@corvo/transport";
import { mayKnowQueue } from "../auth/names.js";
import type { Principal } from "../auth/principal.js";
import { forbidden } from "../auth/refusals.js";
import { toRpcError } from "../handlers/context.js";
import type { AdminContext } from "./context.js";

/** Jobs and bytes of one log entry. */
const batchJobsMax = 500;
const batchBytesMax = 4 * 1024 * 1024;

type Job = MessageInitShape<typeof EnqueueRequestSchema>;

/**
 * Enqueues every job of a JSON backup anew, as Corvo does: pending, with a new id; queue, payload, priority, tags, checkpoint and chain are kept. All
 * jobs are looked at before the first one is enqueued.
 */
export async function importJobs(
  context: AdminContext,
  bytes: Uint8Array,
  wish: { namespace: string; validateOnly: boolean },
  who?: Principal,
): Promise<{ restoredJobs: number; namespace: string }> {
  if (scanJsonValue(bytes, skipSpace(bytes), bytes.length) < 0) throw parseError();
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    throw parseError();
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw parseError();
  const backup = parsed as { namespace?: unknown; jobs?: unknown };
  const namespace = wish.namespace !== "" ? wish.namespace : typeof backup.namespace === "string" && backup.namespace !== "" ? backup.namespace : "default";
  const given = backup.jobs ?? [];
  if (!Array.isArray(given)) throw invalid("jobs must be a list", "jobs");
  const jobs = given.map((job, i) => jobOf(job, i, namespace));
  const strange = who === undefined || who.overAll ? undefined : jobs.find(({ queue = "" }) => !mayKnowQueue(who, queue));
  if (strange !== undefined) throw forbidden(`queue "${strange.queue}" is in another namespace`);
  const batches = batchesOf(jobs, context);
  if (!wish.validateOnly) {
    for (const body of batches) {
      const full = context.replica.refusesNewWork();
      if (full) throw toRpcError(full);
      const answer = await context.replica.call({ verb: Verb.ENQUEUE_BATCH, flags: 0, namespace: "", principal: "", requestHash: undefined, body });
      if (isRefusal(answer)) throw toRpcError(answer);
    }
  }
  return { restoredJobs: given.length, namespace };
}

function batchesOf(jobs: Job[], context: AdminContext): Uint8Array[] {
  const batches: Uint8Array[] = [];
  for (let at = 0; at < jobs.length; ) {
    let bytes = 0;
    const from = at;
    while (at < jobs.length && at - from < batchJobsMax && (at === from || bytes + sizeOf(jobs[at]) <= batchBytesMax)) bytes += sizeOf(jobs[at++]);
    const encoded = toBinary(EnqueueBatchRequestSchema, create(EnqueueBatchRequestSchema, { jobs: jobs.slice(from, at) }));
    const body = checkEnqueueBatch(encoded, { payloadBytesMax: context.options.payloadBytesMax, rest: false });
    if (isRefusal(body)) throw invalid(`job ${from} and following: ${body.message}`, body.field ?? "jobs");
    batches.push(body);
  }
  return batches;
}

function sizeOf(job: Job): number {
  return (job.payloadJson?.length ?? 0) + (job.tagsJson?.length ?? 0) + (job.checkpointJson?.length ?? 0) + 200;
}

function jobOf(given: unknown, i: number, namespace: string): Job {
  if (typeof given !== "object" || given === null) throw invalid(`jobs[${i}] must be an object`, `jobs[${i}]`);
  const job = given as Record<string, unknown>;
  if (typeof job.queue !== "string" || job.queue === "") throw invalid("queue is required for each job", `jobs[${i}].queue`);
  const queue = namespace === "default" || job.queue.includes("::") ? job.queue : `${namespace}::${job.queue}`;
  const json = (value: unknown): string => (value === undefined || value === null ? "" : JSON.stringify(value));
  const kept: Record<string, unknown> = { queue, payloadJson: json(job.payload), tagsJson: json(job.tags), checkpointJson: json(job.checkpoint) };
  const priority = typeof job.priority === "number" ? (["critical", "high"][job.priority] ?? "normal") : job.priority;
  if (typeof priority === "string") kept.priority = priority;
  if (typeof job.max_retries === "number" && job.max_retries >= 0) kept.maxRetries = job.max_retries;
  if (typeof job.retry_backoff === "string") kept.retryBackoff = job.retry_backoff;
  for (const [name, field] of [
    ["retry_base_delay_ms", "retryBaseDelayMs"],
    ["retry_max_delay_ms", "retryMaxDelayMs"],
  ]) {
    const ms = job[name];
    if (typeof ms === "number" && Number.isSafeInteger(ms) && ms > 0) kept[field] = BigInt(ms);
  }
  const chain = json(job.chain_config);
  if (chain !== "" && EnqueueRequestFields.has("chainConfigJson")) kept.chainConfigJson = withoutStrangers(chain);
  return kept as Job;
}

/** Corvo v0.3 let jobs depend on texts that are no ids; here they would be refused, and the whole backup with them. */
function withoutStrangers(chainConfig: string): string {
  const config = JSON.parse(chainConfig) as { depends_on?: unknown };
  if (!Array.isArray(config?.depends_on)) return chainConfig;
  const known = config.depends_on.filter((id) => typeof id !== "string" || isJobIdText(id));
  return known.length === config.depends_on.length ? chainConfig : JSON.stringify({ ...config, depends_on: known });
}

const EnqueueRequestFields = new Set(EnqueueBatchRequestSchema.field.jobs.message?.fields.map((field) => field.localName) ?? []);

function skipSpace(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length && (bytes[at] === 0x20 || (bytes[at] >= 9 && bytes[at] <= 13))) at++;
  return at;
}

function parseError(): RpcError {
  return new RpcError("invalid_argument", "INVALID_MESSAGE", "invalid JSON", { restStatus: 400, restCode: "PARSE_ERROR" });
}

function invalid(message: string, field: string): RpcError {
  return new RpcError("invalid_argument", "INVALID_VALUE", message, { field, restStatus: 400, restCode: "VALIDATION_ERROR" });
}
