import { HeartbeatJobUpdateReader, HeartbeatRequestReader, WorkerFactsReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { HeartbeatRequestSchema } from "@corvo/gen/corvo/v1/worker_pb.js";
import { isBlank } from "../json-members.js";
import { limits } from "../limits.js";
import type { Refusal } from "../refusal.js";
import { textOf } from "../utf8.js";
import { named } from "./ack.js";
import { admit, type DoorOptions, doorDefaults, type Fault, faulty } from "./door.js";
import { unlessBlank } from "./enqueue.js";
import { behindNamespace, jsonObjectFault, mustBeUtf8, nameFault, nestedUnknown, textFault, tooLarge, usageFault } from "./fields.js";

/** `corvo.v1.HeartbeatRequest`. Of a job that is named twice the last update counts, and the bytes to log hold only that one. */
export function checkHeartbeat(bytes: Uint8Array, options: DoorOptions = doorDefaults): Uint8Array | Refusal {
  return admit(heartbeat, HeartbeatRequestSchema, bytes, options, look, (message) => {
    for (const update of Object.values(message.jobs)) {
      update.progressJson = unlessBlank(update.progressJson);
      update.checkpointJson = unlessBlank(update.checkpointJson);
    }
  });
}

const heartbeat = new HeartbeatRequestReader();
const update = new HeartbeatJobUpdateReader();
const facts = new WorkerFactsReader();

function look(r: HeartbeatRequestReader): Fault | undefined {
  const { buf } = r;
  if (hasTwice(r)) r.hasUnknown = true;
  if (r.jobsCount > limits.itemsMax) return faulty("TOO_LARGE", "jobs", `too many jobs: ${r.jobsCount} (max ${limits.itemsMax})`);
  for (let i = 0; i < r.jobsCount; i++) {
    mustBeUtf8(buf, r.jobsKeyStart[i], r.jobsKeyEnd[i], "jobs");
    update.read(buf, r.jobsValueStart[i], r.jobsValueEnd[i]);
    const fault = updateFault(update);
    if (update.hasUnknown) r.hasUnknown = true;
    if (fault === undefined || r.hasUnknown) continue;
    const field = `jobs[${JSON.stringify(textOf(buf, r.jobsKeyStart[i], r.jobsKeyEnd[i]))}].${fault.field}`;
    return { ...(named(buf, r.jobsKeyStart[i], r.jobsKeyEnd[i], fault) ?? fault), field };
  }
  return r.hasWorker ? factsFault(r) : undefined;
}

function factsFault(r: HeartbeatRequestReader): Fault | undefined {
  const { buf } = r;
  facts.read(buf, r.workerStart, r.workerEnd);
  if (facts.hasUnknown) r.hasUnknown = true;
  let queueBytes = 0;
  for (let i = 0; i < facts.queuesCount; i++) {
    const fault = nameFault(buf, facts.queuesStart[i], facts.queuesEnd[i], "worker.queues");
    if (fault !== undefined) return fault;
    queueBytes += facts.queuesEnd[i] - facts.queuesStart[i];
  }
  for (let i = 0; i < facts.capabilitiesCount; i++) {
    const fault = nameFault(buf, facts.capabilitiesStart[i], facts.capabilitiesEnd[i], "worker.capabilities", undefined, limits.sdkBytesMax);
    if (fault !== undefined) return fault;
  }
  return (
    tooLarge(facts.capabilitiesCount, limits.capabilitiesMax, "worker.capabilities") ??
    tooLarge(facts.queuesCount, limits.fetchQueuesMax, "worker.queues") ??
    tooLarge(queueBytes, limits.factsQueuesBytesMax, "worker.queues") ??
    nameFault(buf, facts.workerIdStart, facts.workerIdEnd, "worker.worker_id", undefined, limits.workerIdBytesMax) ??
    textFault(buf, behindNamespace(buf, facts.hostnameStart, facts.hostnameEnd), facts.hostnameEnd, limits.hostnameBytesMax, "worker.hostname") ??
    textFault(buf, facts.sdkStart, facts.sdkEnd, limits.sdkBytesMax, "worker.sdk") ??
    textFault(buf, facts.sdkVersionStart, facts.sdkVersionEnd, limits.sdkBytesMax, "worker.sdk_version") ??
    tooLarge(facts.slots, limits.slotsMax, "worker.slots") ??
    (facts.slots < 0 ? faulty("INVALID_VALUE", "worker.slots", "worker.slots must not be negative") : undefined)
  );
}

function updateFault(r: HeartbeatJobUpdateReader): Fault | undefined {
  const { buf } = r;
  mustBeUtf8(buf, r.streamDeltaStart, r.streamDeltaEnd, "stream_delta");
  let usage: Fault | undefined;
  if (r.hasUsage) {
    usage = usageFault(buf, r.usageStart, r.usageEnd);
    if (nestedUnknown) r.hasUnknown = true;
  }
  const fault =
    jsonObjectFault(buf, r.progressJsonStart, r.progressJsonEnd, limits.progressBytesMax, "progress_json") ??
    jsonObjectFault(buf, r.checkpointJsonStart, r.checkpointJsonEnd, limits.checkpointBytesMax, "checkpoint_json") ??
    usage;
  const blank = (start: number, end: number) => end > start && isBlank(buf, start, end);
  if (fault !== undefined && (blank(r.progressJsonStart, r.progressJsonEnd) || blank(r.checkpointJsonStart, r.checkpointJsonEnd))) r.hasUnknown = true;
  return fault;
}

/** A few keys are compared with each other, many go through a set. */
function hasTwice(r: HeartbeatRequestReader): boolean {
  const n = r.jobsCount;
  if (n > 16) {
    const seen = new Set<string>();
    const all = Buffer.from(r.buf.buffer, r.buf.byteOffset, r.buf.byteLength);
    for (let i = 0; i < n; i++) seen.add(all.toString("latin1", r.jobsKeyStart[i], r.jobsKeyEnd[i]));
    return seen.size < n;
  }
  for (let i = 1; i < n; i++) for (let k = 0; k < i; k++) if (sameKey(r, i, k)) return true;
  return false;
}

function sameKey(r: HeartbeatRequestReader, i: number, k: number): boolean {
  const { buf, jobsKeyStart, jobsKeyEnd } = r;
  const bytes = jobsKeyEnd[i] - jobsKeyStart[i];
  if (bytes !== jobsKeyEnd[k] - jobsKeyStart[k]) return false;
  for (let b = 0; b < bytes; b++) if (buf[jobsKeyStart[i] + b] !== buf[jobsKeyStart[k] + b]) return false;
  return true;
}
