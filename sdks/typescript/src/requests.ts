import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type EnqueueRequest, EnqueueRequestSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { agentConfig } from "./agent.js";
import { type ChainOptions, type ChainStep, type EnqueueOptions, type JobDefinition, queueOf } from "./job.js";

/** The wire's request for a job. Throws on what no server could accept, with the option's name. */
export function enqueueRequest(
  job: JobDefinition<never, unknown> | JobDefinition<unknown, unknown> | string,
  payload: unknown,
  given: EnqueueOptions,
): EnqueueRequest {
  const options = typeof job === "string" ? given : { ...job.options, ...given };
  const init: MessageInitShape<typeof EnqueueRequestSchema> = {
    queue: queueOf(job),
    payloadJson: jsonText(payload, "payload"),
    priority: options.priority ?? "",
    uniqueKey: options.uniqueKey ?? "",
    uniquePeriod: whole("uniquePeriodSeconds", options.uniquePeriodSeconds),
    maxRetries: attempts(options.maxAttempts),
    retryBackoff: options.backoff ?? "",
    retryBaseDelay: duration("backoffBaseMs", options.backoffBaseMs),
    retryMaxDelay: options.backoffMaxMs === Number.POSITIVE_INFINITY ? "0s" : duration("backoffMaxMs", options.backoffMaxMs),
    scheduledAt: options.scheduledAt && timestampFromDate(validDate("scheduledAt", options.scheduledAt)),
    expireAfterMs: whole("expireAfterMs", options.expireAfterMs),
    tagsJson: jsonText(options.tags, "tags"),
    checkpointJson: jsonText(options.checkpoint, "checkpoint"),
    parentId: options.parentId ?? "",
    traceparent: options.traceparent ?? "",
    chain: options.chain && chainOf(queueOf(job), options.chain),
    dependsOn: [...(options.dependsOn ?? [])],
    batchId: options.batchId ?? "",
    agent: agentConfig(options.agent),
  };
  return create(EnqueueRequestSchema, init);
}

function chainOf(queue: string, { then, onFailure, onExit }: ChainOptions) {
  const step = (one: ChainStep) => ({ queue: queueOf(one.job), payloadJson: jsonText(one.payload, "payload") });
  if (then.length === 0) throw new RangeError("chain: there is no step behind the first");
  return { steps: [{ queue }, ...then.map(step)], onFailure: onFailure && step(onFailure), onExit: onExit && step(onExit) };
}

/** JSON text of a value; undefined is the empty text. Throws when the value has no JSON. */
export function jsonText(value: unknown, what: string): string {
  if (value === undefined) return "";
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(`${what}: a ${typeof value} has no JSON`);
  return text;
}

/** Random, 128 bits. `randomUUID` is missing in browsers on pages without TLS. */
export function newRequestId(): string {
  const { crypto } = globalThis;
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function whole(name: string, value: number | undefined): bigint {
  if (value === undefined) return 0n;
  if (!(value >= 0) || value > Number.MAX_SAFE_INTEGER) throw new RangeError(`${name} must be 0 or more, not ${value}`);
  return BigInt(Math.ceil(value));
}

/** The wire's int32 has no place for other numbers, and the server takes what is below 0 for "not given". */
function attempts(value: number | undefined): number | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= 0 && value <= 1_000_000)) return value;
  throw new RangeError(`maxAttempts must be a whole number from 0 to 1000000, not ${value}`);
}

/** As text, because the numeric fields of the wire take 0 for "not given". */
function duration(name: string, ms: number | undefined): string {
  return ms === undefined ? "" : `${whole(name, ms)}ms`;
}

function validDate(name: string, date: Date): Date {
  if (Number.isNaN(date.getTime())) throw new RangeError(`${name} is not a valid date`);
  return date;
}
