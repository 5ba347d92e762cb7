import type { DescMessage } from "@bufbuild/protobuf";
import type { Reader } from "@corvo/gen/corvo/fast/runtime.js";
import * as fastJob from "@corvo/gen/corvo/v1/job_fast.js";
import * as jobs from "@corvo/gen/corvo/v1/job_pb.js";
import * as fastQueue from "@corvo/gen/corvo/v1/queue_fast.js";
import * as queues from "@corvo/gen/corvo/v1/queue_pb.js";
import { isBlank } from "../json-members.js";
import { limits } from "../limits.js";
import type { Refusal } from "../refusal.js";
import { admit, type DoorOptions, doorDefaults, type Fault, faulty } from "./door.js";
import { unlessBlank } from "./enqueue.js";
import { jsonFault, mustBeUtf8, nameFault, textFault } from "./fields.js";

/** Steering jobs and queues by hand: one check per request of JobService and QueueService that changes something. */
export const checkRetryJob = ofJob(new fastJob.RetryJobRequestReader(), jobs.RetryJobRequestSchema);
export const checkCancelJob = ofJob(new fastJob.CancelJobRequestReader(), jobs.CancelJobRequestSchema);
export const checkHoldJob = ofJob(new fastJob.HoldJobRequestReader(), jobs.HoldJobRequestSchema);
export const checkApproveJob = ofJob(new fastJob.ApproveJobRequestReader(), jobs.ApproveJobRequestSchema);
export const checkRejectJob: Check = (bytes, options = doorDefaults) =>
  admit(rejection, jobs.RejectJobRequestSchema, bytes, options, lookAtRejection, mendRejection);
export const checkRequeueJob = ofJob(new fastJob.RequeueJobRequestReader(), jobs.RequeueJobRequestSchema);
export const checkChangeJobPriority = ofJob(new fastJob.ChangeJobPriorityRequestReader(), jobs.ChangeJobPriorityRequestSchema, (r) =>
  r.priorityEnd === r.priorityStart ? faulty("REQUIRED", "priority", "priority is required") : undefined,
);
export const checkDeleteJob = ofJob(new fastJob.DeleteJobRequestReader(), jobs.DeleteJobRequestSchema);
export const checkMoveJob = ofJob(new fastJob.MoveJobRequestReader(), jobs.MoveJobRequestSchema, (r) => nameFault(r.buf, r.queueStart, r.queueEnd, "queue"));

export const checkPauseQueue = ofQueue(new fastQueue.PauseQueueRequestReader(), queues.PauseQueueRequestSchema);
export const checkResumeQueue = ofQueue(new fastQueue.ResumeQueueRequestReader(), queues.ResumeQueueRequestSchema);
export const checkDrainQueue = ofQueue(new fastQueue.DrainQueueRequestReader(), queues.DrainQueueRequestSchema);
export const checkClearQueue = ofQueue(new fastQueue.ClearQueueRequestReader(), queues.ClearQueueRequestSchema);
export const checkDestroyQueue = ofQueue(new fastQueue.DestroyQueueRequestReader(), queues.DestroyQueueRequestSchema);
export const checkRemoveThrottle = ofQueue(new fastQueue.RemoveThrottleRequestReader(), queues.RemoveThrottleRequestSchema);
export const checkSetConcurrency = ofQueue(new fastQueue.SetConcurrencyRequestReader(), queues.SetConcurrencyRequestSchema, (r) =>
  r.max > limits.attemptsMax ? faulty("TOO_LARGE", "max", `max too large: ${r.max} (max ${limits.attemptsMax})`) : undefined,
);
export const checkSetDepthLimit = ofQueue(new fastQueue.SetDepthLimitRequestReader(), queues.SetDepthLimitRequestSchema, (r) =>
  r.max > depthMax ? faulty("TOO_LARGE", "max", `max too large: ${r.max} (max ${depthMax})`) : undefined,
);
export const checkSetThrottle = ofQueue(new fastQueue.SetThrottleRequestReader(), queues.SetThrottleRequestSchema, (r) => {
  if (r.rate <= 0 || r.windowMs <= 0) return faulty("INVALID_VALUE", r.rate <= 0 ? "rate" : "window_ms", "rate and window_ms must be positive");
  if (r.rate > throttleRateMax) return faulty("TOO_LARGE", "rate", `rate too large: ${r.rate} (max ${throttleRateMax})`);
  return r.windowMs > throttleWindowMsMax ? faulty("TOO_LARGE", "window_ms", `window_ms too large: ${r.windowMs} (max ${throttleWindowMsMax})`) : undefined;
});

const rejection = new fastJob.RejectJobRequestReader();

function lookAtRejection(r: fastJob.RejectJobRequestReader, options: DoorOptions): Fault | undefined {
  const { buf } = r;
  if (r.jobIdEnd === r.jobIdStart) return faulty("REQUIRED", "job_id", "job_id is required");
  mustBeUtf8(buf, r.jobIdStart, r.jobIdEnd, "job_id");
  const blank = (start: number, end: number): boolean => end > start && isBlank(buf, start, end);
  if (blank(r.payloadJsonStart, r.payloadJsonEnd) || blank(r.checkpointJsonStart, r.checkpointJsonEnd)) r.hasUnknown = true;
  const content = r.payloadJsonEnd > r.payloadJsonStart ? "payload_json" : r.checkpointJsonEnd > r.checkpointJsonStart ? "checkpoint_json" : "";
  if (content !== "" && !r.revise) return faulty("INVALID_VALUE", content, `${content} needs revise: a rejected job is dead`);
  const payloadBytes = r.payloadJsonEnd - r.payloadJsonStart;
  if (options.payloadBytesMax > 0 && payloadBytes > options.payloadBytesMax) {
    return faulty("PAYLOAD_TOO_LARGE", "payload_json", `payload too large: ${payloadBytes} bytes (max ${options.payloadBytesMax})`);
  }
  return (
    jsonFault(buf, r.payloadJsonStart, r.payloadJsonEnd, 0, "payload_json") ??
    jsonFault(buf, r.checkpointJsonStart, r.checkpointJsonEnd, limits.checkpointBytesMax, "checkpoint_json") ??
    textFault(buf, r.noteStart, r.noteEnd, noteBytesMax, "note") ??
    textFault(buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id")
  );
}

function mendRejection(message: jobs.RejectJobRequest): void {
  message.payloadJson = unlessBlank(message.payloadJson);
  message.checkpointJson = unlessBlank(message.checkpointJson);
}

const noteBytesMax = 4096;
const depthMax = 1_000_000_000;
const throttleRateMax = 1_000_000;
const throttleWindowMsMax = 86_400_000;

type Check = (bytes: Uint8Array, options?: DoorOptions) => Uint8Array | Refusal;
type Readable<R> = Reader & { read(buf: Uint8Array, start?: number, end?: number): R; requestIdStart: number; requestIdEnd: number };
type More<R> = (reader: R) => Fault | undefined;

function ofJob<R extends Readable<R> & { jobIdStart: number; jobIdEnd: number }>(reader: R, schema: DescMessage, more?: More<R>): Check {
  return checked(reader, schema, (r) => {
    if (r.jobIdEnd === r.jobIdStart) return faulty("REQUIRED", "job_id", "job_id is required");
    mustBeUtf8(r.buf, r.jobIdStart, r.jobIdEnd, "job_id");
    return more?.(r);
  });
}

/** The check of a request that names one thing in `name`. */
export function ofNamed<R extends Readable<R> & { nameStart: number; nameEnd: number }>(reader: R, schema: DescMessage): Check {
  return ofQueue(reader, schema);
}

function ofQueue<R extends Readable<R> & { nameStart: number; nameEnd: number }>(reader: R, schema: DescMessage, more?: More<R>): Check {
  return checked(reader, schema, (r) => nameFault(r.buf, r.nameStart, r.nameEnd, "name") ?? more?.(r));
}

function checked<R extends Readable<R>>(reader: R, schema: DescMessage, look: More<R>): Check {
  const all = (r: R) => look(r) ?? textFault(r.buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id");
  return (bytes) => admit(reader, schema, bytes, doorDefaults, all);
}
