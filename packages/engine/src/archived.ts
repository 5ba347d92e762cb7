import { putRange, putUint32, putUint64, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { ArchivedJobReader, ArchivedJobTag } from "@corvo/gen/corvo/internal/v1/job_fast.js";
import { EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import type { Command } from "./command.js";
import { dependenciesUnknown } from "./dependencies.js";
import { edit, writeEdited } from "./document.js";
import { priorityOf } from "./enqueue.js";
import { countedAs } from "./finish.js";
import { reviveIterations } from "./iterations.js";
import { factsIn, JobFacts } from "./job-facts.js";
import { enter } from "./lists.js";
import { rejoinOthers } from "./relations.js";
import type { State } from "./state.js";
import { MarkKind } from "./tables/archive-marks.js";
import { TextKind } from "./tables/arena.js";
import { type FinishedState, JobFlag, JobState } from "./tables/job-table.js";
import type { Queue } from "./tables/queues.js";

const reader = new ArchivedJobReader();
const request = new EnqueueRequestReader();
const w = new Writer(4096);
const facts = new JobFacts();
const maxRetriesDefault = 3;

/** The record of the last `archivedState` that gave a state. */
export const record = reader;

/**
 * State of the finished job that the command names and that `State.find` did not find live, from the record that the leader put in.
 * 0: there is no such job. Below 0: the record is not (or no longer) the right one; the leader must look again.
 */
export function archivedState(s: State, c: Command): number {
  if (!c.looked) return -1;
  if (!c.hasRecord) return 0;
  const r = reader.read(c.buf, c.recordStart, c.recordEnd);
  if (r.seq !== s.foundSeq) return -1;
  if (r.createdMs !== s.foundCreatedMs) return 0;
  return visibleRecord(s, r, c.segment, c.offset);
}

/** What tells whether a record still counts. */
type RecordHead = Pick<ArchivedJobReader, "seq" | "state" | "buf" | "queueStart" | "queueEnd">;

/** The same for a record that was read outside of a command: its state; 0: void; -1: a newer record exists. */
export function visibleRecord(s: State, r: RecordHead, segment: number, offset: number): number {
  if (!s.archive.has(segment) || s.sequences.get(r.seq) !== -1 || s.deleted.has(r.seq)) return 0;
  const mark = s.marks.used === 0 ? -1 : s.marks.find(r.seq);
  if (mark !== -1) {
    if (s.marks.kind(mark) !== MarkKind.moved) return 0;
    if (s.marks.segment(mark) !== segment || s.marks.offset(mark) !== offset) return -1;
  }
  const queue = s.findQueue(r.buf, r.queueStart, r.queueEnd);
  if (queue === undefined || segment < queue.bornSegment || (segment === queue.bornSegment && offset < queue.bornOffset)) return 0;
  return r.state;
}

/** Queue of the record that was read last. */
export function queueOfRecord(s: State): Queue {
  return s.findQueue(reader.buf, reader.queueStart, reader.queueEnd)!;
}

/** The record does not count any more. */
export function voidRecord(s: State, c: Command): Queue {
  const queue = queueOfRecord(s);
  const state = reader.state as FinishedState;
  s.touchQueue(queue);
  queue.countFinished(state, -1);
  s.archive.uncount(c.segment, queue.serial, countedAs[state]);
  s.hash.mix(17, reader.seq, state);
  return queue;
}

/** False: it depends on jobs whose state is not known here. The leader must look again: `Engine.dependencies`. */
export function revivable(s: State): boolean {
  if (s.level < 2) return true;
  const r = request.read(reader.buf, reader.requestStart, reader.requestEnd);
  return r.dependsOnCount === 0 || reader.startedMs > 0 || !dependenciesUnknown(s, r);
}

/** The finished job runs again: pending, attempt 0. Checkpoint, result, failures and the last start stay. */
export function revive(s: State, c: Command): Queue {
  const { jobs, arena } = s;
  const r = reader;
  const q = request.read(r.buf, r.requestStart, r.requestEnd);
  const change = edit.clear(r.buf);
  change.clearHold = true;
  if (r.documentEnd > r.documentStart) {
    factsIn(r.buf, r.documentStart, r.documentEnd, facts);
    facts.attemptsBefore = facts.iterationEndsMs = facts.budgetHold = 0;
    change.facts = facts;
  }
  w.reset();
  if (r.documentEnd > r.documentStart) writeEdited(w, r.buf, r.documentStart, r.documentEnd, change);
  const queue = voidRecord(s, c);
  s.marks.set(r.seq, MarkKind.revived, c.segment, c.offset);
  const row = jobs.add(r.seq);
  jobs.setCreatedMs(row, r.createdMs);
  jobs.setPriority(row, priorityOf(r.buf, q.priorityStart, q.priorityEnd));
  jobs.setMaxRetries(row, q.hasMaxRetries ? q.maxRetries : maxRetriesDefault);
  jobs.setExpireMs(row, r.expireMs);
  jobs.setStartedMs(row, r.startedMs);
  jobs.setFence(row, r.fence);
  jobs.setRevived(row);
  jobs.setRequest(row, arena.put(TextKind.request, row, r.buf, r.requestStart, r.requestEnd));
  if (w.pos > 0) jobs.setDocument(row, arena.put(TextKind.document, row, w.buf, 0, w.pos));
  if (q.uniqueKeyEnd > q.uniqueKeyStart) {
    const owner = s.findQueue(r.buf, q.queueStart, q.queueEnd);
    const lock = owner === undefined ? -1 : s.locks.find(owner.serial, r.buf, q.uniqueKeyStart, q.uniqueKeyEnd);
    if (lock !== -1 && s.locks.seq(lock) === r.seq) jobs.setLock(row, lock);
  }
  s.sequences.set(r.seq, row);
  if (q.hasAgent && s.level >= 2) jobs.setFlags(row, jobs.flags(row) | JobFlag.agent);
  reviveIterations(s, r);
  if (s.level >= 2) rejoinOthers(s, row, request.read(r.buf, r.requestStart, r.requestEnd), r.state);
  enter(s, row, queue, JobState.pending);
  return queue;
}

/** The finished job counts for another queue: a new record says so. */
export function rearchive(s: State, c: Command, target: Queue): void {
  voidRecord(s, c);
  const r = reader;
  w.reset();
  putUint64(w, ArchivedJobTag.seq, r.seq);
  putUint64(w, ArchivedJobTag.createdMs, r.createdMs);
  putUint32(w, ArchivedJobTag.state, r.state);
  putRange(w, ArchivedJobTag.queue, target.nameBytes, 0, target.nameBytes.length);
  putRange(w, ArchivedJobTag.request, r.buf, r.requestStart, r.requestEnd);
  if (r.documentEnd !== 0) putRange(w, ArchivedJobTag.document, r.buf, r.documentStart, r.documentEnd);
  if (r.attempt !== 0) putUint32(w, ArchivedJobTag.attempt, r.attempt);
  if (r.startedMs !== 0) putUint64(w, ArchivedJobTag.startedMs, r.startedMs);
  putUint64(w, ArchivedJobTag.endedMs, r.endedMs);
  if (r.failedMs !== 0) putUint64(w, ArchivedJobTag.failedMs, r.failedMs);
  if (r.expireMs !== 0) putUint64(w, ArchivedJobTag.expireMs, r.expireMs);
  if (r.workerIdEnd !== 0) putRange(w, ArchivedJobTag.workerId, r.buf, r.workerIdStart, r.workerIdEnd);
  if (r.hostnameEnd !== 0) putRange(w, ArchivedJobTag.hostname, r.buf, r.hostnameStart, r.hostnameEnd);
  if (r.fence !== 0) putUint64(w, ArchivedJobTag.fence, r.fence);
  putUint64(w, ArchivedJobTag.endedIndex, r.endedIndex);
  for (let i = 0; i < r.iterationsCount; i++) putRange(w, ArchivedJobTag.iterations, r.buf, r.iterationsStart[i], r.iterationsEnd[i]);
  const state = r.state as FinishedState;
  const place = s.archive.append(r.seq, w.view(), r.endedMs, target.serial, countedAs[state]);
  s.touchQueue(target);
  target.countFinished(state, 1);
  s.marks.set(r.seq, MarkKind.moved, place.segment, place.offset);
  s.hash.mix(18, r.seq, target.serial);
}

/** Is this the number of a finished state? */
export function isFinished(state: number): state is FinishedState {
  return state === JobState.completed || state === JobState.dead || state === JobState.cancelled;
}
