import { Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { encodeErrorGroupText } from "@corvo/gen/corvo/internal/v1/stats_fast.js";
import { errorCause, errorWords } from "@corvo/protocol";
import { textOf } from "./command.js";
import type { State } from "./state.js";
import { Counted } from "./tables/counters.js";
import { EntityKind } from "./tables/entities.js";
import { type FinishedState, JobState } from "./tables/job-table.js";
import type { Queue } from "./tables/queues.js";

/** Groups of errors that are kept; the one that was made first goes first. */
const groupsMax = 10_000;
const sampleCharsMax = 500;

/** Numbers of an error group's entity. */
export const GroupNumber = { failures: 0, dead: 1, firstMs: 2, lastMs: 3, lastSeq: 4, lastCreatedMs: 5 } as const;

const w = new Writer(2048);
const encoder = new TextEncoder();

/** A job was added. */
export function countEnqueued(s: State, queue: Queue): void {
  if (s.level >= 2) s.counters.count(queue, Counted.enqueued);
}

/** A pending job is handed out. Called while it is still pending: its due time is when it became that. */
export function countStarted(s: State, row: number, queue: Queue): void {
  if (s.level < 2) return;
  s.counters.count(queue, Counted.started);
  const since = s.jobs.dueMs(row);
  const ms = Math.max(0, s.logTimeMs - (since === 0 ? s.jobs.createdMs(row) : since));
  s.counters.waited(queue, ms);
  s.measured.waiting.add(ms);
}

/** An attempt ends: by an ack, a failure, a hold or a continuation. */
export function countRun(s: State, row: number, queue: Queue): void {
  if (s.level >= 2) s.counters.ran(queue, Math.max(0, s.logTimeMs - s.jobs.startedMs(row)));
}

/** A job ends, whatever ended it. Called by `finish` while the row is there. */
export function countEnded(s: State, row: number, queue: Queue, state: FinishedState): void {
  if (s.level < 2) return;
  if (s.jobs.state(row) === JobState.active) countRun(s, row, queue);
  s.counters.count(queue, state === JobState.completed ? Counted.completed : state === JobState.dead ? Counted.dead : Counted.cancelled);
}

/** Counts something else that happened to a job of a queue. */
export function countOther(s: State, queue: Queue, field: number): void {
  if (s.level >= 2) s.counters.count(queue, field);
}

/** An attempt failed: it counts for its queue and for the group of errors that look the same. */
export function countFailure(s: State, queue: Queue, seq: number, createdMs: number, buf: Uint8Array, start: number, end: number, died: boolean): void {
  if (s.level < 2) return;
  s.counters.count(queue, Counted.failed);
  const error = textOf(buf, start, Math.min(end, start + 4 * sampleCharsMax));
  const words = errorWords(error);
  const key = encoder.encode(errorCause(queue.name, words));
  const { entities } = s;
  let row = entities.find(EntityKind.fingerprint, key, 0, key.length);
  if (row === -1) {
    if (entities.count(EntityKind.fingerprint) >= groupsMax) entities.remove(entities.first(EntityKind.fingerprint));
    w.reset();
    encodeErrorGroupText(w, { queue: queue.name, words, sample: error.slice(0, sampleCharsMax) });
    row = entities.add(EntityKind.fingerprint, key, 0, key.length, w.buf, 0, w.pos);
    entities.setNum(row, GroupNumber.firstMs, s.logTimeMs);
  }
  entities.setNum(row, GroupNumber.failures, entities.num(row, GroupNumber.failures) + 1);
  if (died) entities.setNum(row, GroupNumber.dead, entities.num(row, GroupNumber.dead) + 1);
  entities.setNum(row, GroupNumber.lastMs, s.logTimeMs);
  entities.setNum(row, GroupNumber.lastSeq, seq);
  entities.setNum(row, GroupNumber.lastCreatedMs, createdMs);
}
