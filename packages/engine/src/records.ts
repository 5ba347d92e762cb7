import { ArchivedJobReader, JobDocumentReader, JobFailureReader } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import { AgentConfigReader, ChainReader, ChainStepReader, EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { formatJobId } from "@corvo/protocol";
import { visibleRecord } from "./archived.js";
import { textOf } from "./command.js";
import { priorityOf } from "./enqueue.js";
import { baseDelayMs, maxDelayMs } from "./fail.js";
import { headOf } from "./fetch.js";
import { usdOf } from "./money.js";
import type { State } from "./state.js";
import type { ArchivePlace } from "./tables/archive.js";
import { JobState } from "./tables/job-table.js";

/** One failure of a job. */
export interface FailureRecord {
  attempt: number;
  error: string;
  backtrace: string;
  atMs: number;
}

/** Everything that is known about a job. Times are unix milliseconds, 0: none. JSON is text in bytes, empty: none. */
export interface JobRecord {
  id: string;
  seq: number;
  queue: string;
  /** Number of corvo.v1.JobState. */
  state: number;
  payload: Uint8Array;
  priority: number;
  attempt: number;
  maxRetries: number;
  retryBackoff: string;
  retryBaseDelayMs: number;
  /** 0: no cap. */
  retryMaxDelayMs: number;
  uniqueKey: string;
  workerId: string;
  hostname: string;
  /** It is, or when it was cancelled was, with a worker: then an empty hostname is a fact too. */
  hasWorker: boolean;
  tags: Uint8Array;
  progress: Uint8Array;
  checkpoint: Uint8Array;
  result: Uint8Array;
  leaseExpiresMs: number;
  scheduledMs: number;
  expireMs: number;
  parentId: string;
  /** Empty: it belongs to none. */
  batchId: string;
  chainId: string;
  /** Undefined: it is no step. */
  chainStep: number | undefined;
  /** Its chain and dependencies as a JSON object; empty: none. */
  chainConfig: Uint8Array;
  /** Ids of the jobs that it depends on, met or not. */
  dependsOn: readonly string[];
  /** Dependencies that are not met: above 0 it is not handed out. */
  waits: number;
  createdMs: number;
  startedMs: number;
  completedMs: number;
  failedMs: number;
  cancelledMs: number;
  /** Oldest first; those that are kept. */
  failures: FailureRecord[];
  failuresTotal: number;
  agent: { maxIterations: number; maxCostUsd: number; iterationTimeout: string; iteration: number; totalCostUsd: number } | undefined;
  holdReason: string;
  /** What a person said at the last rejection or revision. */
  revisionNote: string;
  revisions: number;
  /** Cost of everything that was reported, in dollars. */
  costUsd: number;
  /** Schedule that added it; empty: none did. */
  scheduleId: string;
  scheduleSlotMs: number;
  /** Fence of the running lease; 0: not leased. */
  fence: number;
  /** Log index at which it ended; 0: it is live. */
  endedIndex: number;
}

/** A queue with its settings and counters. */
export interface QueueRecord {
  name: string;
  paused: boolean;
  /** 0: no cap. */
  maxConcurrency: number;
  /** 0: no cap. */
  maxDepth: number;
  /** 0: no cap. */
  rateLimit: number;
  rateWindowMs: number;
  createdMs: number;
  pending: number;
  active: number;
  held: number;
  completed: number;
  dead: number;
  scheduled: number;
  retrying: number;
  cancelled: number;
  /** Kept jobs in any state. */
  enqueued: number;
  /** Failed attempts since the queue exists. */
  failed: number;
  /** Creation time of the job next in turn; 0: none pending. */
  oldestPendingMs: number;
}

export interface WorkerRecord {
  id: string;
  hostname: string;
  queues: readonly string[];
  lastHeartbeatMs: number;
  startedMs: number;
  /** Jobs that it holds. */
  active: number;
}

const encoder = new TextEncoder();
const emptyObject = encoder.encode("{}");
const nothing = new Uint8Array(0);
const request = new EnqueueRequestReader();
const chain = new ChainReader();
const step = new ChainStepReader();
const document = new JobDocumentReader();
const failure = new JobFailureReader();
const agent = new AgentConfigReader();
const archived = new ArchivedJobReader();

/** A live job. */
export function liveRecord(s: State, row: number): JobRecord {
  const { jobs, arena } = s;
  const state = jobs.state(row);
  const record = recordOf(jobs.seq(row), jobs.createdMs(row), state, arena.view(jobs.request(row)));
  if (jobs.document(row) !== 0) addDocument(record, arena.view(jobs.document(row)));
  record.queue = s.queues.of(jobs.queue(row)).name;
  record.attempt = jobs.attempt(row);
  record.startedMs = jobs.startedMs(row);
  record.failedMs = jobs.failedMs(row);
  record.expireMs = jobs.expireMs(row);
  record.waits = jobs.waits(row);
  if (state === JobState.active) {
    record.leaseExpiresMs = jobs.dueMs(row) + s.pausedMs;
    record.fence = jobs.fence(row);
  } else if (state === JobState.scheduled || state === JobState.retrying) record.scheduledMs = jobs.dueMs(row);
  const worker = jobs.worker(row) === 0 ? undefined : s.workers.byNumber[jobs.worker(row)]!;
  record.hasWorker = worker !== undefined;
  if (worker !== undefined) {
    record.workerId = textOf(worker.name, 0, worker.idBytes);
    record.hostname = textOf(worker.name, worker.idBytes, worker.name.length);
  }
  return record;
}

export function traceparentOf({ jobs, arena }: State, row: number): string | undefined {
  const memory = arena.view(jobs.request(row));
  const r = request.read(memory, 0, memory.length);
  return textOf(memory, r.traceparentStart, r.traceparentEnd) || undefined;
}

/** A finished job from its archive record, or undefined when that record is void. */
export function archivedRecord(s: State, bytes: Uint8Array, place: ArchivePlace): JobRecord | undefined {
  const r = archived.read(bytes, 0, bytes.length);
  if (visibleRecord(s, r, place.segment, place.offset) <= 0) return undefined;
  const record = recordOf(r.seq, r.createdMs, r.state, bytes.slice(r.requestStart, r.requestEnd));
  if (r.documentEnd > r.documentStart) addDocument(record, bytes.slice(r.documentStart, r.documentEnd));
  record.queue = textOf(bytes, r.queueStart, r.queueEnd);
  record.attempt = r.attempt;
  record.startedMs = r.startedMs;
  record.failedMs = r.failedMs;
  record.expireMs = r.expireMs;
  record.endedIndex = r.endedIndex;
  if (r.state === JobState.completed) record.completedMs = r.endedMs;
  if (r.state === JobState.cancelled) record.cancelledMs = r.endedMs;
  record.hasWorker = r.workerIdEnd > 0;
  record.workerId = textOf(bytes, r.workerIdStart, r.workerIdEnd);
  record.hostname = textOf(bytes, r.hostnameStart, r.hostnameEnd);
  return record;
}

function recordOf(seq: number, createdMs: number, state: number, bytes: Uint8Array): JobRecord {
  const source = bytes.slice();
  const r = request.read(source, 0, source.length);
  const config = r.hasAgent ? agent.read(source, r.agentStart, r.agentEnd) : undefined;
  return {
    id: formatJobId(createdMs, seq),
    seq,
    queue: "",
    state,
    payload: r.payloadJsonEnd > r.payloadJsonStart ? source.subarray(r.payloadJsonStart, r.payloadJsonEnd) : emptyObject,
    priority: priorityOf(source, r.priorityStart, r.priorityEnd),
    attempt: 0,
    maxRetries: r.hasMaxRetries ? r.maxRetries : 3,
    retryBackoff: textOf(source, r.retryBackoffStart, r.retryBackoffEnd) || "exponential",
    retryBaseDelayMs: baseDelayMs(r),
    retryMaxDelayMs: maxDelayMs(r),
    uniqueKey: textOf(source, r.uniqueKeyStart, r.uniqueKeyEnd),
    workerId: "",
    hostname: "",
    hasWorker: false,
    tags: source.subarray(r.tagsJsonStart, r.tagsJsonEnd),
    progress: nothing,
    checkpoint: source.subarray(r.checkpointJsonStart, r.checkpointJsonEnd),
    result: nothing,
    leaseExpiresMs: 0,
    scheduledMs: 0,
    expireMs: 0,
    parentId: textOf(source, r.parentIdStart, r.parentIdEnd),
    batchId: textOf(source, r.batchIdStart, r.batchIdEnd),
    chainId: textOf(source, r.chainIdStart, r.chainIdEnd),
    chainStep: r.hasChainStep ? r.chainStep : undefined,
    chainConfig: chainConfig(r),
    dependsOn: Array.from({ length: r.dependsOnCount }, (_, i) => textOf(source, r.dependsOnStart[i], r.dependsOnEnd[i])),
    waits: 0,
    createdMs,
    startedMs: 0,
    completedMs: 0,
    failedMs: 0,
    cancelledMs: 0,
    failures: [],
    failuresTotal: 0,
    agent: config && {
      maxIterations: Math.max(0, config.maxIterations),
      maxCostUsd: Math.max(0, config.maxCostUsd),
      iterationTimeout: textOf(source, config.iterationTimeoutStart, config.iterationTimeoutEnd),
      iteration: 1,
      totalCostUsd: 0,
    },
    holdReason: "",
    revisionNote: "",
    revisions: 0,
    costUsd: 0,
    scheduleId: textOf(source, r.scheduleIdStart, r.scheduleIdEnd),
    scheduleSlotMs: r.scheduleSlotMs,
    fence: 0,
    endedIndex: 0,
  };
}

/** What jobs show as `chain_config`: the chain, `depends_on`, or what the client put there. */
function chainConfig(r: EnqueueRequestReader): Uint8Array {
  if (!r.hasChain && r.dependsOnCount === 0) return r.buf.subarray(r.chainConfigJsonStart, r.chainConfigJsonEnd);
  const members: string[] = [];
  if (r.hasChain) {
    const c = chain.read(r.buf, r.chainStart, r.chainEnd);
    const steps = Array.from({ length: c.stepsCount }, (_, i) => stepJson(c.buf, c.stepsStart[i], c.stepsEnd[i]));
    members.push(`"steps":[${steps.join(",")}]`);
    if (c.hasOnFailure) members.push(`"on_failure":${stepJson(c.buf, c.onFailureStart, c.onFailureEnd)}`);
    if (c.hasOnExit) members.push(`"on_exit":${stepJson(c.buf, c.onExitStart, c.onExitEnd)}`);
  }
  if (r.dependsOnCount > 0) {
    const ids = Array.from({ length: r.dependsOnCount }, (_, i) => JSON.stringify(textOf(r.buf, r.dependsOnStart[i], r.dependsOnEnd[i])));
    members.push(`"depends_on":[${ids.join(",")}]`);
  }
  return encoder.encode(`{${members.join(",")}}`);
}

function stepJson(buf: Uint8Array, start: number, end: number): string {
  const one = step.read(buf, start, end);
  const payload = one.payloadJsonEnd > one.payloadJsonStart ? `,"payload":${textOf(buf, one.payloadJsonStart, one.payloadJsonEnd)}` : "";
  return `{"queue":${JSON.stringify(textOf(buf, one.queueStart, one.queueEnd))}${payload}}`;
}

function addDocument(record: JobRecord, bytes: Uint8Array): void {
  const source = bytes.slice();
  const d = document.read(source, 0, source.length);
  if (d.checkpointJsonEnd > 0) record.checkpoint = source.subarray(d.checkpointJsonStart, d.checkpointJsonEnd);
  record.progress = source.subarray(d.progressJsonStart, d.progressJsonEnd);
  record.result = source.subarray(d.resultJsonStart, d.resultJsonEnd);
  record.holdReason = textOf(source, d.holdReasonStart, d.holdReasonEnd);
  record.revisionNote = textOf(source, d.revisionNoteStart, d.revisionNoteEnd);
  record.revisions = d.revisions;
  record.costUsd = usdOf(d.costNanos);
  if (record.agent !== undefined) {
    record.agent.iteration = Math.max(1, d.iteration);
    record.agent.totalCostUsd = usdOf(d.agentCostNanos);
  }
  record.failuresTotal = d.failuresTotal;
  for (let i = 0; i < d.failuresCount; i++) {
    const f = failure.read(source, d.failuresStart[i], d.failuresEnd[i]);
    record.failures.push({
      attempt: f.attempt,
      error: textOf(source, f.errorStart, f.errorEnd),
      backtrace: textOf(source, f.backtraceStart, f.backtraceEnd),
      atMs: f.atMs,
    });
  }
}

/** All queues, sorted by name. */
export function queueRecords(s: State): QueueRecord[] {
  const records: QueueRecord[] = [];
  for (const q of s.queues.bySerial.values()) {
    const live = q.pending + q.blocked + q.active + q.held + q.retrying + q.scheduled;
    const next = headOf(q);
    records.push({
      name: q.name,
      paused: q.paused,
      maxConcurrency: q.concurrencyMax,
      maxDepth: q.depthMax,
      rateLimit: q.throttle?.rate ?? 0,
      rateWindowMs: q.throttle?.windowMs ?? 0,
      createdMs: q.createdMs,
      pending: q.pending + q.blocked,
      active: q.active,
      held: q.held,
      completed: q.completed,
      dead: q.dead,
      scheduled: q.scheduled,
      retrying: q.retrying,
      cancelled: q.cancelled,
      enqueued: live + q.completed + q.dead + q.cancelled,
      failed: q.failed,
      oldestPendingMs: next === -1 ? 0 : s.jobs.createdMs(next),
    });
  }
  return records.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/**
 * Workers by id and namespace of their queues, with host and queues of the last fetch under that id. Fetches without a worker id are
 * nobody's.
 */
export function workerRecords(s: State): WorkerRecord[] {
  const byId = new Map<string, WorkerRecord & { fetchedFence: number }>();
  for (let worker = s.workers.oldest; worker !== undefined; worker = worker.newer) {
    if (worker.idBytes === 0) continue;
    const id = textOf(worker.name, 0, worker.idBytes);
    const key = `${prefixOf(worker.queues[0] ?? "")}${id}`;
    const other = byId.get(key);
    const later = other === undefined || worker.fetchedFence > other.fetchedFence;
    byId.set(key, {
      id,
      hostname: later ? textOf(worker.name, worker.idBytes, worker.name.length) : other.hostname,
      queues: later ? worker.queues : other.queues,
      lastHeartbeatMs: Math.max(other?.lastHeartbeatMs ?? 0, worker.heardMs),
      startedMs: Math.min(other?.startedMs ?? worker.startedMs, worker.startedMs),
      active: worker.jobs + (other?.active ?? 0),
      fetchedFence: later ? worker.fetchedFence : other.fetchedFence,
    });
  }
  const order = ({ id, queues }: WorkerRecord): string => `${id}\0${prefixOf(queues[0] ?? "")}`;
  return [...byId.values()].map(({ fetchedFence: _, ...record }) => record).sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** What a queue's name begins with when it is in a namespace. */
function prefixOf(queue: string): string {
  const end = queue.indexOf("::");
  return end < 0 ? "" : queue.slice(0, end + 2);
}
