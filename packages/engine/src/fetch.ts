import { beginMessage, endMessage, putBool, putDouble, putInt32, putRange, putText, putUint32, putUint64 } from "@corvo/gen/corvo/fast/runtime.js";
import { JobDocumentReader } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import {
  AgentConfigReader,
  AgentStateTag,
  EnqueueRequestReader,
  EnqueueRequestTag,
  FetchBatchJobTag,
  FetchBatchRequestReader,
  FetchBatchResponseTag,
  FetchRequestReader,
  FetchResponseTag,
} from "@corvo/gen/corvo/v1/worker_fast.js";
import { limits, type Refusal, refuse } from "@corvo/protocol";
import { fetchRefusal, hasBudgets, holdForBudget, mustHold, queueVerdict } from "./budgets.js";
import { type Command, putJobIdField, textOf } from "./command.js";
import { countStarted } from "./counted.js";
import { beginIteration } from "./iteration-timeout.js";
import { BudgetHold } from "./job-facts.js";
import { budgetJobsMax } from "./limits.js";
import { assign, enter, leave } from "./lists.js";
import { usdOf } from "./money.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobFlag, JobState } from "./tables/job-table.js";
import type { Queue } from "./tables/queues.js";
import type { Worker } from "./tables/workers.js";

const single = new FetchRequestReader();
const batch = new FetchBatchRequestReader();
const request = new EnqueueRequestReader();
const document = new JobDocumentReader();
const agent = new AgentConfigReader();

/** A request that names queues and a worker: FetchRequest, FetchBatchRequest, LifecycleStreamRequest. */
export interface Fetcher {
  buf: Uint8Array;
  queuesCount: number;
  queuesStart: Int32Array;
  queuesEnd: Int32Array;
  workerIdStart: number;
  workerIdEnd: number;
  hostnameStart: number;
  hostnameEnd: number;
  leaseDuration: number;
}

/** FetchResponse has the fields of FetchBatchJob under numbers that are one higher, but for the fence. */
const nextNumber = FetchResponseTag.jobId - FetchBatchJobTag.jobId;

/** Leases the job next in turn of the first queue that may hand one out. */
export function fetch(s: State, c: Command): Refusal | undefined {
  const r = single.read(c.buf, c.start, c.end);
  const refusal = checkFetcher(r) ?? overBudget(s, r);
  if (refusal !== undefined) return refusal;
  grant(s, r, 1, (row) => {
    putBool(s.out, FetchResponseTag.found, true);
    writeLeased(s, row, nextNumber);
  });
  return undefined;
}

/** Leases up to `count` jobs, queue after queue in the order of the request. */
export function fetchBatch(s: State, c: Command): Refusal | undefined {
  const r = batch.read(c.buf, c.start, c.end);
  const refusal = checkFetcher(r) ?? overBudget(s, r);
  if (refusal !== undefined) return refusal;
  grant(s, r, Math.min(Math.max(r.count, 1), limits.itemsMax), (row) => writeLeasedItem(s, row, FetchBatchResponseTag.jobs));
  return undefined;
}

export function checkFetcher(r: Fetcher): Refusal | undefined {
  if (r.queuesCount === 0) return refuse("invalid_argument", "REQUIRED", "at least one queue is required", { field: "queues" });
  if (r.queuesCount > limits.fetchQueuesMax) {
    return refuse("invalid_argument", "TOO_LARGE", `more than ${limits.fetchQueuesMax} queues`, { field: "queues" });
  }
  return undefined;
}

/** A budget of one of the queues rejects: then the whole request is refused. */
export function overBudget(s: State, r: Fetcher): Refusal | undefined {
  if (!hasBudgets(s)) return undefined;
  for (let i = 0; i < r.queuesCount; i++) {
    const refusal = fetchRefusal(s, r.buf.subarray(r.queuesStart[i], r.queuesEnd[i]));
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/**
 * Leases up to `countMax` jobs. A queue is passed over when it is paused, when as many of its jobs are active as its concurrency
 * allows, or when its throttle has no room; else its jobs come by priority, then in the order in which they entered. Jobs that a budget
 * is against are held in their turn.
 * The worker is entered in the registry when it gets at least one.
 */
export function grant(s: State, r: Fetcher, countMax: number, write: (row: number) => void): void {
  const leaseMs = Math.min(r.leaseDuration > 0 ? r.leaseDuration * 1000 : limits.leaseMsDefault, limits.leaseMsMax);
  let worker: Worker | undefined;
  const budgets = hasBudgets(s);
  let holds = budgetJobsMax;
  for (let i = 0; i < r.queuesCount && s.granted < countMax; i++) {
    const queue = s.findQueue(r.buf, r.queuesStart[i], r.queuesEnd[i]);
    if (queue === undefined) continue;
    const verdict = budgets ? queueVerdict(s, queue.nameBytes) : 0;
    queue.askedMs = s.logTimeMs;
    while (s.granted < countMax && queue.pending > 0 && queue.open(s.logTimeMs)) {
      const reason = budgets ? mustHold(s, headOf(queue), queue, verdict) : undefined;
      if (reason !== undefined) {
        if (holds-- === 0) {
          s.wake(queue); // there may be others behind: whoever sleeps asks again
          return;
        }
        holdForBudget(s, headOf(queue), reason, BudgetHold.spent);
        continue;
      }
      if (worker === undefined && r.workerIdEnd + r.hostnameEnd > 0) worker = registered(s, r);
      const row = headOf(queue);
      lease(s, row, queue, leaseMs, worker);
      s.granted++;
      if (s.answering) write(row);
    }
  }
}

/** The job next in turn. */
export function headOf(queue: Queue): number {
  const { head } = queue;
  return head[0] !== -1 ? head[0] : head[1] !== -1 ? head[1] : head[2];
}

function lease(s: State, row: number, queue: Queue, leaseMs: number, worker: Worker | undefined): void {
  const { jobs } = s;
  leave(s, row);
  countStarted(s, row, queue);
  jobs.setAttempt(row, jobs.attempt(row) + 1);
  jobs.setStartedMs(row, s.logTimeMs);
  jobs.setFence(row, ++s.lastFence);
  jobs.setLeaseMs(row, leaseMs);
  const endsMs = s.servingMs + leaseMs;
  const flags = jobs.flags(row);
  jobs.setDueMs(row, (flags & JobFlag.agent) === 0 ? endsMs : beginIteration(s, row, endsMs));
  if ((flags & JobFlag.overruled) !== 0) jobs.setFlags(row, flags & ~JobFlag.overruled);
  assign(s, row, worker === undefined ? 0 : worker.number);
  enter(s, row, queue, JobState.active);
  queue.throttle?.record(s.logTimeMs);
  queue.grants.add(s.logTimeMs);
  s.events.add(EventType.started, jobs.seq(row), jobs.createdMs(row), queue, s.logTimeMs);
  s.events.attempt(jobs.attempt(row), worker);
}

function registered(s: State, r: Fetcher): Worker {
  const { buf } = r;
  let worker = s.workers.find(buf, r.workerIdStart, r.workerIdEnd, r.hostnameStart, r.hostnameEnd);
  if (worker === undefined) {
    s.change();
    worker = s.workers.add(buf, r.workerIdStart, r.workerIdEnd, r.hostnameStart, r.hostnameEnd, s.logTimeMs);
    worker.cutSerial = s.cut?.serial ?? 0;
  } else s.touchWorker(worker);
  s.workers.heard(worker, s.logTimeMs);
  worker.fetchedFence = s.lastFence;
  if (!sameQueues(worker, r)) {
    worker.queues = [];
    for (let i = 0; i < r.queuesCount; i++) worker.queues.push(textOf(buf, r.queuesStart[i], r.queuesEnd[i]));
  }
  return worker;
}

/** True when the worker asked for the same queues last time. ASCII only: other names are made anew each time. */
function sameQueues(worker: Worker, r: Fetcher): boolean {
  if (worker.queues.length !== r.queuesCount) return false;
  for (let i = 0; i < r.queuesCount; i++) {
    const name = worker.queues[i];
    const start = r.queuesStart[i];
    if (name.length !== r.queuesEnd[i] - start) return false;
    for (let k = 0; k < name.length; k++) if (name.charCodeAt(k) !== r.buf[start + k]) return false;
  }
  return true;
}

/** One leased job as a nested FetchBatchJob. */
export function writeLeasedItem(s: State, row: number, tag: number): void {
  const at = beginMessage(s.out, tag, itemBytesGuess);
  writeLeased(s, row, 0);
  itemBytesGuess = endMessage(s.out, at);
}
let itemBytesGuess = 300;

/** The fields of FetchBatchJob, their numbers shifted. */
function writeLeased(s: State, row: number, shift: number): void {
  const { jobs, arena, out: w } = s;
  const address = jobs.request(row);
  const memory = arena.memory(address);
  const start = arena.start(address);
  const end = start + arena.length(address);
  const queue = s.queues.of(jobs.queue(row));
  putJobIdField(w, FetchBatchJobTag.jobId + shift, jobs.createdMs(row), jobs.seq(row));
  putRange(w, FetchBatchJobTag.queue + shift, queue.nameBytes, 0, queue.nameBytes.length);
  const payload = onlyPayload(memory, start, end);
  const r = payload === -1 ? request.read(memory, start, end) : undefined;
  const payloadStart = r === undefined ? payload : r.payloadJsonStart;
  const payloadEnd = r === undefined ? end : r.payloadJsonEnd;
  if (payloadEnd === payloadStart) putText(w, FetchBatchJobTag.payloadJson + shift, "{}");
  else putRange(w, FetchBatchJobTag.payloadJson + shift, memory, payloadStart, payloadEnd);
  putUint32(w, FetchBatchJobTag.attempt + shift, jobs.attempt(row));
  if (jobs.maxRetries(row) !== 0) putInt32(w, FetchBatchJobTag.maxRetries + shift, jobs.maxRetries(row));
  putUint32(w, FetchBatchJobTag.leaseDuration + shift, jobs.leaseMs(row) / 1000);
  const stored = writeStored(s, row, shift);
  if (r !== undefined) writeRest(s, r, stored, shift);
  putUint64(w, FetchBatchJobTag.fence, jobs.fence(row));
}

/**
 * Most requests are a queue and a payload and nothing else. Where that is so, the place where the payload starts (it goes to the end);
 * else -1, and the request is read field by field.
 */
function onlyPayload(memory: Uint8Array, start: number, end: number): number {
  if (memory[start] !== EnqueueRequestTag.queue || memory[start + 1] > 127) return -1;
  let at = start + 2 + memory[start + 1];
  if (at >= end || memory[at++] !== EnqueueRequestTag.payloadJson) return -1;
  let length = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const b = memory[at++];
    length |= (b & 127) << shift;
    if (b < 128) return at + length === end ? at : -1;
  }
  return -1;
}

/** What few requests have. */
function writeRest(s: State, r: EnqueueRequestReader, stored: boolean, shift: number): void {
  const { out: w } = s;
  const memory = r.buf;
  if (!stored && r.checkpointJsonEnd > r.checkpointJsonStart) {
    putRange(w, FetchBatchJobTag.checkpointJson + shift, memory, r.checkpointJsonStart, r.checkpointJsonEnd);
  }
  if (r.tagsJsonEnd > r.tagsJsonStart) putRange(w, FetchBatchJobTag.tagsJson + shift, memory, r.tagsJsonStart, r.tagsJsonEnd);
  if (r.traceparentEnd > r.traceparentStart) putRange(w, FetchBatchJobTag.traceparent, memory, r.traceparentStart, r.traceparentEnd);
  if (r.hasAgent) {
    const at = beginMessage(w, FetchBatchJobTag.agent + shift, 16);
    const config = agent.read(memory, r.agentStart, r.agentEnd);
    if (config.maxIterations > 0) putUint32(w, AgentStateTag.maxIterations, config.maxIterations);
    if (config.maxCostUsd > 0) putDouble(w, AgentStateTag.maxCostUsd, config.maxCostUsd);
    if (config.iterationTimeoutEnd > config.iterationTimeoutStart) {
      putRange(w, AgentStateTag.iterationTimeout, memory, config.iterationTimeoutStart, config.iterationTimeoutEnd);
    }
    putUint32(w, AgentStateTag.iteration, storedIteration);
    if (storedCostNanos > 0) putDouble(w, AgentStateTag.totalCostUsd, usdOf(storedCostNanos));
    endMessage(w, at);
  }
}

/** Position of an agent job, of the document that was looked at last. */
let storedIteration = 1;
let storedCostNanos = 0;

/** The stored checkpoint, if there is one that is newer than the request's: then true. And what a person said when the job was sent back. */
function writeStored(s: State, row: number, shift: number): boolean {
  const address = s.jobs.document(row);
  storedIteration = 1;
  storedCostNanos = 0;
  if (address === 0) return false;
  const memory = s.arena.memory(address);
  const start = s.arena.start(address);
  const d = document.read(memory, start, start + s.arena.length(address));
  storedIteration = Math.max(1, d.iteration);
  storedCostNanos = d.agentCostNanos;
  if (d.revisionNoteEnd > 0) putRange(s.out, FetchBatchJobTag.revisionNote, memory, d.revisionNoteStart, d.revisionNoteEnd);
  if (d.checkpointJsonEnd === 0) return false;
  putRange(s.out, FetchBatchJobTag.checkpointJson + shift, memory, d.checkpointJsonStart, d.checkpointJsonEnd);
  return true;
}
