import {
  AckBatchItemReader,
  AckBatchRequestReader,
  AckRequestReader,
  EnqueueRequestReader,
  FailRequestReader,
  ReleaseRequestReader,
  StepRequestReader,
} from "@corvo/gen/corvo/v1/worker_fast.js";
import {
  type AckBatchItem,
  AckBatchRequestSchema,
  AckRequestSchema,
  FailRequestSchema,
  ReleaseRequestSchema,
  StepRequestSchema,
} from "@corvo/gen/corvo/v1/worker_pb.js";
import { isBlank } from "../json-members.js";
import { limits } from "../limits.js";
import type { Refusal } from "../refusal.js";
import { textOf } from "../utf8.js";
import { admit, type DoorOptions, doorDefaults, type Fault, faulty } from "./door.js";
import { lookAtJob, mendJob, notAlone, unlessBlank } from "./enqueue.js";
import { jsonFault, mustBeUtf8, nestedUnknown, textFault, usageFault } from "./fields.js";

/** `corvo.v1.AckRequest`. */
export function checkAck(bytes: Uint8Array, options: DoorOptions = doorDefaults): Uint8Array | Refusal {
  return admit(ack, AckRequestSchema, bytes, options, lookAtAck, (message) => {
    message.resultJson = unlessBlank(message.resultJson);
    message.checkpointJson = unlessBlank(message.checkpointJson);
  });
}

/** `corvo.v1.AckBatchRequest`. */
export function checkAckBatch(bytes: Uint8Array, options: DoorOptions = doorDefaults): Uint8Array | Refusal {
  return admit(batch, AckBatchRequestSchema, bytes, options, lookAtBatch, (message) => message.items.forEach(mendItem));
}

/** `corvo.v1.FailRequest`. Texts over 64 KiB are cut, between characters, and the bytes to log are the cut ones. */
export function checkFail(bytes: Uint8Array, options: DoorOptions = doorDefaults): Uint8Array | Refusal {
  return admit(fail, FailRequestSchema, bytes, options, lookAtFail, (message) => {
    message.error = cut(message.error);
    message.backtrace = cut(message.backtrace);
  });
}

/** `corvo.v1.StepRequest`. */
export function checkStep(bytes: Uint8Array, options: DoorOptions = doorDefaults): Uint8Array | Refusal {
  return admit(step, StepRequestSchema, bytes, options, lookAtStep, (message) => {
    message.resultJson = unlessBlank(message.resultJson);
    message.checkpointJson = unlessBlank(message.checkpointJson);
    message.jobs.forEach(mendJob);
  });
}

/** `corvo.v1.ReleaseRequest`. */
export function checkRelease(bytes: Uint8Array, options: DoorOptions = doorDefaults): Uint8Array | Refusal {
  return admit(release, ReleaseRequestSchema, bytes, options, lookAtRelease, (message) => {
    message.checkpointJson = unlessBlank(message.checkpointJson);
  });
}

const step = new StepRequestReader();
const child = new EnqueueRequestReader();
const release = new ReleaseRequestReader();
const ack = new AckRequestReader();
const batch = new AckBatchRequestReader();
const item = new AckBatchItemReader();
const fail = new FailRequestReader();

function lookAtAck(r: AckRequestReader): Fault | undefined {
  const { buf } = r;
  if (r.jobIdEnd === r.jobIdStart) return faulty("REQUIRED", "job_id", "job_id is required");
  mustBeUtf8(buf, r.jobIdStart, r.jobIdEnd, "job_id");
  mustBeUtf8(buf, r.holdReasonStart, r.holdReasonEnd, "hold_reason");
  mustBeUtf8(buf, r.traceJsonStart, r.traceJsonEnd, "trace_json");
  let usage: Fault | undefined;
  if (r.hasUsage) {
    usage = usageFault(buf, r.usageStart, r.usageEnd);
    if (nestedUnknown) r.hasUnknown = true;
  }
  if (blank(buf, r.resultJsonStart, r.resultJsonEnd) || blank(buf, r.checkpointJsonStart, r.checkpointJsonEnd)) r.hasUnknown = true;
  return (
    named(buf, r.jobIdStart, r.jobIdEnd, jsonFault(buf, r.resultJsonStart, r.resultJsonEnd, limits.resultBytesMax, "result_json")) ??
    named(buf, r.jobIdStart, r.jobIdEnd, jsonFault(buf, r.checkpointJsonStart, r.checkpointJsonEnd, limits.checkpointBytesMax, "checkpoint_json")) ??
    agentStatusFault(buf, r.agentStatusStart, r.agentStatusEnd, "agent_status") ??
    agentStatusFault(buf, r.ackStatusStart, r.ackStatusEnd, "ack_status") ??
    usage ??
    textFault(buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id")
  );
}

function agentStatusFault(buf: Uint8Array, start: number, end: number, field: string): Fault | undefined {
  if (end === start) return undefined;
  mustBeUtf8(buf, start, end, field);
  const given = textOf(buf, start, Math.min(end, start + limits.backoffNameBytesMax));
  const status = given.trim().toLowerCase();
  if (status === "" || status === "done" || status === "continue" || status === "hold") return undefined;
  return faulty("INVALID_VALUE", field, `invalid ${field} ${JSON.stringify(given)}`);
}

function lookAtStep(r: StepRequestReader, options: DoorOptions): Fault | undefined {
  const { buf } = r;
  if (r.jobIdEnd === r.jobIdStart) return faulty("REQUIRED", "job_id", "job_id is required");
  mustBeUtf8(buf, r.jobIdStart, r.jobIdEnd, "job_id");
  mustBeUtf8(buf, r.holdReasonStart, r.holdReasonEnd, "hold_reason");
  mustBeUtf8(buf, r.stepStatusStart, r.stepStatusEnd, "step_status");
  let usage: Fault | undefined;
  if (r.hasUsage) {
    usage = usageFault(buf, r.usageStart, r.usageEnd);
    if (nestedUnknown) r.hasUnknown = true;
  }
  if (blank(buf, r.resultJsonStart, r.resultJsonEnd) || blank(buf, r.checkpointJsonStart, r.checkpointJsonEnd)) r.hasUnknown = true;
  if (r.jobsCount > limits.itemsMax) return faulty("TOO_LARGE", "jobs", `too many jobs: ${r.jobsCount} (max ${limits.itemsMax})`);
  const fault =
    named(buf, r.jobIdStart, r.jobIdEnd, jsonFault(buf, r.resultJsonStart, r.resultJsonEnd, limits.resultBytesMax, "result_json")) ??
    named(buf, r.jobIdStart, r.jobIdEnd, jsonFault(buf, r.checkpointJsonStart, r.checkpointJsonEnd, limits.checkpointBytesMax, "checkpoint_json")) ??
    agentStatusFault(buf, r.agentStatusStart, r.agentStatusEnd, "agent_status") ??
    usage ??
    textFault(buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id");
  if (fault !== undefined) return fault;
  for (let i = 0; i < r.jobsCount; i++) {
    const wrong = lookAtJob(child.read(buf, r.jobsStart[i], r.jobsEnd[i]), options) ?? notAlone(child) ?? alien();
    if (child.hasUnknown) {
      r.hasUnknown = true; // everything is looked at again after it was encoded anew
      return undefined;
    }
    if (wrong !== undefined) return { ...wrong, field: `jobs[${i}].${wrong.field}`, text: `job ${i}: ${wrong.text}` };
  }
  return undefined;
}

function alien(): Fault | undefined {
  return child.dependsOnCount > 0 ? faulty("UNSUPPORTED", "depends_on", "depends_on cannot be given in a step") : undefined;
}

function lookAtRelease(r: ReleaseRequestReader): Fault | undefined {
  const { buf } = r;
  if (r.jobIdEnd === r.jobIdStart) return faulty("REQUIRED", "job_id", "job_id is required");
  mustBeUtf8(buf, r.jobIdStart, r.jobIdEnd, "job_id");
  if (blank(buf, r.checkpointJsonStart, r.checkpointJsonEnd)) r.hasUnknown = true;
  return (
    named(buf, r.jobIdStart, r.jobIdEnd, jsonFault(buf, r.checkpointJsonStart, r.checkpointJsonEnd, limits.checkpointBytesMax, "checkpoint_json")) ??
    textFault(buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id")
  );
}

/** One acknowledgement of many; also in frames. */
export function lookAtItem(r: AckBatchItemReader, required: string): Fault | undefined {
  const { buf } = r;
  if (r.jobIdEnd === r.jobIdStart) return faulty("REQUIRED", "job_id", required);
  mustBeUtf8(buf, r.jobIdStart, r.jobIdEnd, "job_id");
  let usage: Fault | undefined;
  if (r.hasUsage) {
    usage = usageFault(buf, r.usageStart, r.usageEnd);
    if (nestedUnknown) r.hasUnknown = true;
  }
  mustBeUtf8(buf, r.holdReasonStart, r.holdReasonEnd, "hold_reason");
  const fault =
    jsonFault(buf, r.resultJsonStart, r.resultJsonEnd, limits.resultBytesMax, "result_json") ??
    jsonFault(buf, r.checkpointJsonStart, r.checkpointJsonEnd, limits.checkpointBytesMax, "checkpoint_json");
  if (fault === undefined) return agentStatusFault(buf, r.agentStatusStart, r.agentStatusEnd, "agent_status") ?? usage;
  if (blank(buf, r.resultJsonStart, r.resultJsonEnd) || blank(buf, r.checkpointJsonStart, r.checkpointJsonEnd)) r.hasUnknown = true;
  return named(buf, r.jobIdStart, r.jobIdEnd, fault);
}

export function mendItem(message: AckBatchItem): void {
  message.resultJson = unlessBlank(message.resultJson);
  message.checkpointJson = unlessBlank(message.checkpointJson);
}

function lookAtBatch(r: AckBatchRequestReader, { rest }: DoorOptions): Fault | undefined {
  const field = rest ? "acks" : "items";
  if (r.itemsCount === 0) return faulty("REQUIRED", field, rest ? "acks array is required" : "items is required");
  if (rest && r.itemsCount > limits.restItemsMax) return faulty("TOO_LARGE", field, `ack batch exceeds maximum of ${limits.restItemsMax} items`);
  if (r.itemsCount > limits.itemsMax) return faulty("TOO_LARGE", field, `too many items: ${r.itemsCount} (max ${limits.itemsMax})`);
  for (let i = 0; i < r.itemsCount; i++) {
    const fault = lookAtItem(item.read(r.buf, r.itemsStart[i], r.itemsEnd[i]), rest ? "job_id is required for each ack" : "job_id is required");
    if (item.hasUnknown) {
      r.hasUnknown = true;
      return undefined;
    }
    if (fault !== undefined) return { ...fault, field: `${field}[${i}].${fault.field}` };
  }
  return textFault(r.buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id");
}

function lookAtFail(r: FailRequestReader): Fault | undefined {
  const { buf } = r;
  if (r.jobIdEnd === r.jobIdStart) return faulty("REQUIRED", "job_id", "job_id is required");
  mustBeUtf8(buf, r.jobIdStart, r.jobIdEnd, "job_id");
  mustBeUtf8(buf, r.errorStart, r.errorEnd, "error");
  mustBeUtf8(buf, r.backtraceStart, r.backtraceEnd, "backtrace");
  if (r.errorEnd - r.errorStart > limits.errorBytesMax || r.backtraceEnd - r.backtraceStart > limits.errorBytesMax) r.hasUnknown = true;
  return textFault(buf, r.requestIdStart, r.requestIdEnd, limits.requestIdBytesMax, "request_id");
}

function cut(text: string): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= limits.errorBytesMax) return text;
  let end: number = limits.errorBytesMax;
  while ((bytes[end] & 0xc0) === 0x80) end--;
  return textOf(bytes, 0, end);
}

/** Puts the job's id into a text about its JSON: `invalid result_json for job_…: …`. */
export function named(buf: Uint8Array, start: number, end: number, fault: Fault | undefined): Fault | undefined {
  if (fault === undefined) return undefined;
  const id = textOf(buf, start, Math.min(end, start + 64));
  return { ...fault, text: fault.text.replace(fault.field, () => `${fault.field} for ${id}`) };
}

function blank(buf: Uint8Array, start: number, end: number): boolean {
  return end > start && isBlank(buf, start, end);
}
