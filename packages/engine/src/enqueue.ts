import { putInt32, putText, putUint64, WireError } from "@corvo/gen/corvo/fast/runtime.js";
import { AgentConfigReader, EnqueueRequestReader, EnqueueResponseTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { TimestampReader } from "@corvo/gen/google/protobuf/timestamp_fast.js";
import { durationMs, limits, type Refusal, rangeIs, refuse } from "@corvo/protocol";
import { type Command, putJobIdField } from "./command.js";
import { countEnqueued } from "./counted.js";
import { enter } from "./lists.js";
import { depthRefusal } from "./queue-depth.js";
import { hasRelations, joinOthers, relationsRefusal } from "./relations.js";
import type { State } from "./state.js";
import { TextKind } from "./tables/arena.js";
import { EventType } from "./tables/events.js";
import { JobFlag, JobState } from "./tables/job-table.js";

/** Numbers of corvo.v1.EnqueueOutcome. */
export const EnqueueOutcome = { pending: 1, scheduled: 2, duplicate: 3, refused: 4 } as const;
const statusOf = ["", "pending", "scheduled", "duplicate"];

const maxRetriesDefault = 3;
const uniquePeriodDefaultS = 3600;

const reader = new EnqueueRequestReader();
const timestamp = new TimestampReader();
const agent = new AgentConfigReader();

/** What `insert` has to say beside its outcome. */
export const inserted = {
  /** Of the new job, or of the holder of the key. */
  seq: 0,
  createdMs: 0,
  refusal: undefined as Refusal | undefined,
};

export function enqueue(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  const full = s.depthLimits > 0 ? depthRefusal(s, r) : undefined;
  if (full !== undefined) return full;
  const outcome = insert(s, r);
  if (outcome === EnqueueOutcome.refused) return inserted.refusal;
  if (!s.answering) return undefined;
  const w = s.out;
  putJobIdField(w, EnqueueResponseTag.jobId, inserted.createdMs, inserted.seq);
  putText(w, EnqueueResponseTag.status, statusOf[outcome]);
  if (outcome === EnqueueOutcome.duplicate) putInt32(w, EnqueueResponseTag.uniqueExisting, 1);
  putUint64(w, EnqueueResponseTag.logIndex, s.appliedIndex);
  return undefined;
}

/**
 * Adds one job. Refusals, in order: a queue name that is missing or too long; others that it
 * cannot join (see `relationsRefusal`); too many queues. Then: a key that is held makes it a
 * duplicate; with `scheduled_at` it waits for that time; else it is pending.
 */
export function insert(s: State, r: EnqueueRequestReader): number {
  const { jobs } = s;
  const { buf } = r;
  const refusal = checkItem(r);
  if (refusal !== undefined) return refused(refusal);
  const dueMs = r.hasScheduledAt ? timeOf(buf, r.scheduledAtStart, r.scheduledAtEnd) : 0;
  if (r.hasAgent) agent.read(buf, r.agentStart, r.agentEnd);
  const joins = hasRelations(s, r);
  const no = joins ? relationsRefusal(s, r) : undefined;
  if (no !== undefined) return refused(no);
  const queue = s.queueOf(buf, r.queueStart, r.queueEnd);
  if (queue === undefined) return refused(tooManyQueues());
  const unique = r.uniqueKeyEnd > r.uniqueKeyStart;
  if (unique) {
    const lock = s.locks.find(queue.serial, buf, r.uniqueKeyStart, r.uniqueKeyEnd);
    if (lock !== -1) {
      if (s.locks.expiresMs(lock) > s.logTimeMs) {
        inserted.seq = s.locks.seq(lock);
        inserted.createdMs = s.locks.createdMs(lock);
        return EnqueueOutcome.duplicate;
      }
      s.locks.remove(lock);
    }
  }
  const seq = ++s.lastSeq;
  const nowMs = s.logTimeMs;
  const row = jobs.add(seq);
  jobs.setCreatedMs(row, nowMs);
  jobs.setPriority(row, priorityOf(buf, r.priorityStart, r.priorityEnd));
  jobs.setMaxRetries(row, r.hasMaxRetries ? r.maxRetries : maxRetriesDefault);
  jobs.setDueMs(row, dueMs);
  jobs.setExpireMs(row, expiryOf(r, nowMs));
  jobs.setRequest(row, joins ? joinOthers(s, row, r) : s.arena.put(TextKind.request, row, buf, r.start, r.end));
  s.sequences.set(seq, row);
  if (r.hasAgent && s.level >= 2) jobs.setFlags(row, jobs.flags(row) | JobFlag.agent);
  if (unique) {
    const period = r.uniquePeriod > 0 ? r.uniquePeriod : uniquePeriodDefaultS;
    const expiresMs = Math.min(nowMs + period * 1000, Number.MAX_SAFE_INTEGER);
    jobs.setLock(row, s.locks.add(queue.serial, buf, r.uniqueKeyStart, r.uniqueKeyEnd, seq, nowMs, expiresMs));
    s.hash.mix(32, seq, expiresMs);
  }
  enter(s, row, queue, r.hasScheduledAt ? JobState.scheduled : JobState.pending);
  countEnqueued(s, queue);
  s.events.add(EventType.enqueued, seq, nowMs, queue, nowMs);
  inserted.seq = seq;
  inserted.createdMs = nowMs;
  return r.hasScheduledAt ? EnqueueOutcome.scheduled : EnqueueOutcome.pending;
}

/** What makes an item impossible whatever the state is. The door has said it before; here it keeps a bad entry from doing harm. */
export function checkItem(r: EnqueueRequestReader): Refusal | undefined {
  if (r.queueEnd === r.queueStart) return refuse("invalid_argument", "REQUIRED", "queue is required", { field: "queue" });
  if (r.queueEnd - r.queueStart > limits.queueNameBytesMax) {
    return refuse("invalid_argument", "TOO_LARGE", `queue is longer than ${limits.queueNameBytesMax} bytes`, { field: "queue" });
  }
  if (r.requestIdEnd - r.requestIdStart > limits.requestIdBytesMax) {
    return refuse("invalid_argument", "TOO_LARGE", `request_id is longer than ${limits.requestIdBytesMax} bytes`, { field: "request_id" });
  }
  return undefined;
}

export function tooManyQueues(): Refusal {
  return refuse("resource_exhausted", "TOO_LARGE", `there are ${limits.queuesMax} queues already`, { field: "queue" });
}

/** A refusal for bytes that are no message. */
export function badMessage(error: unknown): Refusal {
  if (!(error instanceof WireError)) throw error;
  return refuse("invalid_argument", "INVALID_MESSAGE", error.message);
}

function refused(refusal: Refusal): number {
  inserted.refusal = refusal;
  return EnqueueOutcome.refused;
}

/** Exactly `critical` and `high`; everything else is normal. */
export function priorityOf(buf: Uint8Array, start: number, end: number): number {
  if (end === start) return 2;
  if (rangeIs(buf, start, end, "critical")) return 0;
  return rangeIs(buf, start, end, "high") ? 1 : 2;
}

/** Milliseconds of a Timestamp, rounded up so that no timer is early. */
function timeOf(buf: Uint8Array, start: number, end: number): number {
  timestamp.read(buf, start, end);
  const ms = timestamp.seconds * 1000 + Math.ceil(timestamp.nanos / 1e6);
  return Math.min(Math.max(ms, 1), Number.MAX_SAFE_INTEGER);
}

function expiryOf(r: EnqueueRequestReader, nowMs: number): number {
  let afterMs: number;
  if (r.expireAfterMs > 0) afterMs = r.expireAfterMs;
  else {
    if (r.expireAfterEnd === r.expireAfterStart) return 0;
    afterMs = durationMs(r.buf, r.expireAfterStart, r.expireAfterEnd);
    if (Number.isNaN(afterMs)) return 0;
  }
  return Math.min(Math.max(nowMs + afterMs, 1), Number.MAX_SAFE_INTEGER);
}
