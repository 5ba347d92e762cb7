import { EnqueueBatchRequestReader, EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { EnqueueBatchRequestSchema, type EnqueueRequest, EnqueueRequestSchema, type LifecycleEnqueueItem } from "@corvo/gen/corvo/v1/worker_pb.js";
import { isBlank } from "../json-members.js";
import { limits } from "../limits.js";
import type { Refusal } from "../refusal.js";
import { admit, type DoorOptions, doorDefaults, type Fault, faulty } from "./door.js";
import { agentFault, behindNamespace, durationFault, jsonFault, nameFault, nestedUnknown, textFault, timestampFault, tooLarge } from "./fields.js";
import { callbackFault, mendRelations, relationsFault } from "./relations.js";

/** `corvo.v1.EnqueueRequest`: the bytes to log, or why not. */
export function checkEnqueue(bytes: Uint8Array, options: DoorOptions = doorDefaults): Uint8Array | Refusal {
  return admit(job, EnqueueRequestSchema, bytes, options, lookAtJob, mendJob);
}

/** `corvo.v1.EnqueueBatchRequest`: all jobs or none. */
export function checkEnqueueBatch(bytes: Uint8Array, options: DoorOptions = doorDefaults): Uint8Array | Refusal {
  return admit(batch, EnqueueBatchRequestSchema, bytes, options, lookAtBatch, (message) => {
    message.jobs.forEach(mendJob);
    if (message.batch) message.batch.callbackPayloadJson = unlessBlank(message.batch.callbackPayloadJson);
  });
}

/** A W3C trace context takes 55. */
const traceparentBytesMax = 64;

const job = new EnqueueRequestReader();
const batch = new EnqueueBatchRequestReader();

/** One job to add. A LifecycleEnqueueItem has the same fields and is read with the same reader. */
export function lookAtJob(r: EnqueueRequestReader, options: DoorOptions): Fault | undefined {
  const { buf } = r;
  if (r.scheduleIdEnd > r.scheduleIdStart || r.scheduleSlotMs !== 0) return faulty("INVALID_VALUE", "schedule_id", "schedule_id is set by the server");
  let fault = nameFault(buf, r.queueStart, r.queueEnd, "queue") ?? payloadFault(r, options);
  if (fault !== undefined) return fault;
  fault =
    textFault(buf, r.priorityStart, r.priorityEnd, limits.backoffNameBytesMax, "priority") ??
    textFault(buf, r.uniqueKeyStart, r.uniqueKeyEnd, limits.uniqueKeyBytesMax, "unique_key") ??
    tooLarge(r.uniquePeriod, limits.delayMsMax / 1000, "unique_period") ??
    tooLarge(r.maxRetries, limits.attemptsMax, "max_retries") ??
    textFault(buf, r.retryBackoffStart, r.retryBackoffEnd, limits.backoffNameBytesMax, "retry_backoff") ??
    durationFault(buf, r.retryBaseDelayStart, r.retryBaseDelayEnd, "retry_base_delay") ??
    durationFault(buf, r.retryMaxDelayStart, r.retryMaxDelayEnd, "retry_max_delay") ??
    (r.hasScheduledAt ? nested(r, timestampFault(buf, r.scheduledAtStart, r.scheduledAtEnd, "scheduled_at")) : undefined) ??
    durationFault(buf, r.expireAfterStart, r.expireAfterEnd, "expire_after") ??
    jsonFault(buf, r.tagsJsonStart, r.tagsJsonEnd, limits.tagsBytesMax, "tags_json") ??
    textFault(buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id") ??
    jsonFault(buf, r.checkpointJsonStart, r.checkpointJsonEnd, limits.checkpointBytesMax, "checkpoint_json") ??
    textFault(buf, behindNamespace(buf, r.parentIdStart, r.parentIdEnd), r.parentIdEnd, limits.parentIdBytesMax, "parent_id") ??
    textFault(buf, r.traceparentStart, r.traceparentEnd, traceparentBytesMax, "traceparent") ??
    tooLarge(r.expireAfterMs, limits.delayMsMax, "expire_after_ms") ??
    tooLarge(r.retryBaseDelayMs, limits.delayMsMax, "retry_base_delay_ms") ??
    tooLarge(r.retryMaxDelayMs, limits.delayMsMax, "retry_max_delay_ms") ??
    (r.hasAgent ? nested(r, agentFault(buf, r.agentStart, r.agentEnd)) : undefined) ??
    relationsFault(r, options);
  if (fault !== undefined && fault.reason === "INVALID_JSON" && hasBlankJson(r)) r.hasUnknown = true;
  return fault;
}

/** A job among others cannot be one that is only looked at. */
export function notAlone(r: EnqueueRequestReader): Fault | undefined {
  return r.validateOnly ? faulty("INVALID_VALUE", "validate_only", "validate_only is for whole requests") : undefined;
}

function nested(r: EnqueueRequestReader, fault: Fault | undefined): Fault | undefined {
  if (nestedUnknown) r.hasUnknown = true;
  return fault;
}

function payloadFault(r: EnqueueRequestReader, options: DoorOptions): Fault | undefined {
  const { buf, payloadJsonStart: start, payloadJsonEnd: end } = r;
  const max = options.payloadBytesMax;
  if (max > 0 && end - start > max) return faulty("PAYLOAD_TOO_LARGE", "payload_json", `payload too large: ${end - start} bytes (max ${max})`);
  const fault = jsonFault(buf, start, end, 0, "payload_json");
  if (fault !== undefined && isBlank(buf, start, end)) r.hasUnknown = true;
  return fault;
}

function hasBlankJson(r: EnqueueRequestReader): boolean {
  const blank = (start: number, end: number) => end > start && isBlank(r.buf, start, end);
  return blank(r.tagsJsonStart, r.tagsJsonEnd) || blank(r.checkpointJsonStart, r.checkpointJsonEnd);
}

/** JSON that is only white space is absent. */
export function mendJob(message: EnqueueRequest | LifecycleEnqueueItem): void {
  message.payloadJson = unlessBlank(message.payloadJson);
  message.tagsJson = unlessBlank(message.tagsJson);
  message.checkpointJson = unlessBlank(message.checkpointJson);
  mendRelations(message);
}

export function unlessBlank(text: string): string {
  return /^[ \t\r\n]*$/.test(text) ? "" : text;
}

function lookAtBatch(r: EnqueueBatchRequestReader, options: DoorOptions): Fault | undefined {
  if (r.jobsCount === 0) return faulty("REQUIRED", "jobs", "jobs array is required");
  if (r.jobsCount > limits.itemsMax) return faulty("TOO_LARGE", "jobs", `too many jobs: ${r.jobsCount} (max ${limits.itemsMax})`);
  for (let i = 0; i < r.jobsCount; i++) {
    const fault = lookAtJob(job.read(r.buf, r.jobsStart[i], r.jobsEnd[i]), options) ?? notAlone(job);
    if (job.hasUnknown) {
      r.hasUnknown = true; // everything is looked at again after it was encoded anew
      return undefined;
    }
    if (fault !== undefined) return { ...fault, field: `jobs[${i}].${fault.field}`, text: batchText(fault, i) };
    if (r.hasBatch && job.batchIdEnd > job.batchIdStart) {
      return faulty("INVALID_VALUE", `jobs[${i}].batch_id`, `job ${i}: batch_id and batch exclude each other`);
    }
  }
  const fault = r.hasBatch ? callbackFault(r, r.batchStart, r.batchEnd, "batch.", options) : undefined;
  if (fault !== undefined) return fault;
  return textFault(r.buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id");
}

function batchText(fault: Fault, i: number): string {
  if (fault.reason === "REQUIRED") return fault.field === "queue" ? "queue is required for each job" : `job ${i}: ${fault.text}`;
  return fault.reason === "PAYLOAD_TOO_LARGE" ? `job ${i} ${fault.text}` : `job ${i}: ${fault.text}`;
}
