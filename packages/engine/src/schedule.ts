import { putRange, putUint64, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import { PutScheduleRequestReader } from "@corvo/gen/corvo/v1/schedule_fast.js";
import { EnqueueRequestReader, EnqueueRequestTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { durationMs, entityId, everyMs } from "@corvo/protocol";
import { textOf } from "./command.js";
import { EnqueueOutcome, insert, inserted } from "./enqueue.js";
import { finish } from "./finish.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { EventType } from "./tables/events.js";
import { hashNumber } from "./tables/hash-index.js";
import { JobState } from "./tables/job-table.js";

/** What the numbers of a schedule's entity mean. Its key is its name, its text the PutScheduleRequest that it was put with. */
export const Num = {
  createdMs: 0,
  /** When it was last put or resumed: fixed intervals count from here. */
  updatedMs: 1,
  /** The next slot; 0: not known, or none. */
  nextMs: 2,
  /** Slots up to this moment have had, or missed, their job. Rises while nothing is changed. */
  settledMs: 3,
  /** Sequence and creation time of the job added last; 0: none. */
  lastSeq: 4,
  lastCreatedMs: 5,
  /** The slot that waits for that job to end; 0: none. */
  bufferedMs: 6,
  /** The last slot that had its job; 0: none. */
  lastSlotMs: 7,
} as const;
/** Its integers. */
export const Int = { runs: 0, skipped: 1, missed: 2, revision: 3 } as const;
/** Bits of its flag byte. */
export const Flag = {
  paused: 1,
  /** It wants its slots from the leader. Invariant: set ⇔ its serial is in `State.asking`. */
  asks: 2,
  /** The next slot came long ago: it wants those that passed, too. */
  late: 4,
} as const;
export const OverlapPolicy = { unspecified: 0, skip: 1, allow: 2, bufferOne: 3, cancelPrevious: 4 } as const;
export const CatchUpPolicy = { unspecified: 0, last: 1, none: 2, all: 3 } as const;

/** A slot that runs later than this, beyond its jitter, has been missed: the catch-up policy says what happens. */
export const graceMs = 60_000;
/** Passed slots that `all` makes up for, and those that are counted, at most. */
export const catchUpMax = 100;
export const missedCountedMax = 200;

const reader = new PutScheduleRequestReader();
const job = new EnqueueRequestReader();
const w = new Writer(4096);
const scheduleIdPrefix = "sched_";

export function scheduleId(s: State, row: number): string {
  return entityId(scheduleIdPrefix, s.entities.num(row, Num.createdMs), s.entities.serial(row));
}

/** Its content, from a copy of its text: valid until the next call. */
export function contentOf(s: State, row: number): PutScheduleRequestReader {
  const text = s.entities.textOf(row);
  return reader.read(text, 0, text.length);
}

/** After any change: sets its time, asks for its slots, or lets it rest. */
export function arm(s: State, row: number, r: PutScheduleRequestReader): void {
  const { entities: e } = s;
  if ((e.flag(row) & Flag.paused) !== 0) {
    ask(s, row, 0);
    return e.setDue(row, 0);
  }
  const interval = everyMs(r.buf, r.cronStart, r.cronEnd);
  if (e.num(row, Num.nextMs) === 0 && interval > 0) {
    const anchor = e.num(row, Num.updatedMs);
    const passed = Math.floor((e.num(row, Num.settledMs) - anchor) / interval);
    e.setNum(row, Num.nextMs, anchor + (passed + 1) * interval);
  }
  const next = e.num(row, Num.nextMs);
  if (next === 0 && interval === 0 && (e.flag(row) & Flag.asks) === 0) ask(s, row, Flag.asks);
  const waits = e.num(row, Num.bufferedMs) !== 0 && !lives(s, row);
  e.setDue(row, waits ? Math.max(s.logTimeMs, 1) : next === 0 ? 0 : next + jitterOf(s, row, r, next));
}

/** Sets or clears the wish for slots. */
export function ask(s: State, row: number, bits: number): void {
  const { entities: e } = s;
  const flag = e.flag(row);
  const wanted = (flag & Flag.paused) | bits;
  if (flag !== wanted) e.setFlag(row, wanted);
  if (bits === 0) s.asking.delete(e.serial(row));
  else s.asking.add(e.serial(row));
}

/** How much this slot is put off: always the same, and known to everybody who has the log. */
function jitterOf(s: State, row: number, r: PutScheduleRequestReader, slotMs: number): number {
  if (r.jitterEnd === r.jitterStart) return 0;
  const max = durationMs(r.buf, r.jitterStart, r.jitterEnd);
  return max > 0 ? slotJitterMs(s.entities.serial(row), slotMs, max) : 0;
}

/** Of 0 to `maxMs` milliseconds, for the schedule with this serial. */
export function slotJitterMs(serial: number, slotMs: number, maxMs: number): number {
  return hashNumber(serial, slotMs) % (Math.floor(maxMs) + 1);
}

/** Its time has come: a buffered slot may go, or the next one is there. */
export function scheduleDue(s: State, row: number): void {
  const { entities: e } = s;
  const r = contentOf(s, row);
  fireBuffered(s, row, r);
  const next = e.num(row, Num.nextMs);
  const lateMs = next === 0 ? -1 : s.logTimeMs - next - jitterOf(s, row, r, next);
  // Entries of an old level call a slot late by its jitter, too.
  if (lateMs >= 0) slotCame(s, row, r, next, s.level >= 2 ? lateMs : s.logTimeMs - next);
  arm(s, row, r);
}

/** The slot that waits may go, when the job before has ended: ahead of every later one. False: there is none, or it waits on. */
export function fireBuffered(s: State, row: number, r: PutScheduleRequestReader): boolean {
  const slotMs = s.entities.num(row, Num.bufferedMs);
  if (slotMs === 0 || lives(s, row)) return false;
  unbuffer(s, row);
  fire(s, row, r, slotMs, false);
  return true;
}

function slotCame(s: State, row: number, r: PutScheduleRequestReader, slotMs: number, lateMs: number): void {
  const { entities: e } = s;
  e.setNum(row, Num.nextMs, 0);
  if (lateMs <= graceMs) {
    e.setNum(row, Num.settledMs, slotMs);
    return runSlot(s, row, r, slotMs);
  }
  const interval = everyMs(r.buf, r.cronStart, r.cronEnd);
  if (interval === 0) return ask(s, row, Flag.asks | Flag.late);
  const total = Math.floor((s.logTimeMs - slotMs) / interval) + 1;
  const newest = slotMs + (total - 1) * interval;
  const kept = Math.min(total, catchUpMax);
  e.setNum(row, Num.settledMs, newest);
  catchUp(s, row, r, kept, Math.min(total, missedCountedMax), (i) => newest - (kept - 1 - i) * interval);
}

/** Slots passed while nobody served: `kept` of them are known, oldest first. */
export function catchUp(s: State, row: number, r: PutScheduleRequestReader, kept: number, total: number, slotOf: (i: number) => number): void {
  if (total === 0) return;
  const { entities: e } = s;
  const runs = r.catchUp === CatchUpPolicy.none ? 0 : r.catchUp === CatchUpPolicy.all ? kept : Math.min(kept, 1);
  if (total > runs) e.setInt4(row, Int.missed, e.int4(row, Int.missed) + total - runs);
  for (let i = kept - runs; i < kept; i++) runSlot(s, row, r, slotOf(i));
}

/** One slot, as the overlap policy has it. */
function runSlot(s: State, row: number, r: PutScheduleRequestReader, slotMs: number): void {
  const { entities: e } = s;
  if (r.overlap !== OverlapPolicy.allow && lives(s, row)) {
    if (r.overlap === OverlapPolicy.cancelPrevious) cancelPrevious(s, row);
    else {
      if (r.overlap !== OverlapPolicy.bufferOne || e.num(row, Num.bufferedMs) !== 0) return skipped(s, row);
      e.setNum(row, Num.bufferedMs, slotMs);
      s.awaited.set(e.num(row, Num.lastSeq), e.serial(row));
      return;
    }
  }
  fire(s, row, r, slotMs, false);
}

function skipped(s: State, row: number): void {
  s.entities.setInt4(row, Int.skipped, s.entities.int4(row, Int.skipped) + 1);
}

/** The job that it added last has not ended. */
export function lives(s: State, row: number): boolean {
  const seq = s.entities.num(row, Num.lastSeq);
  if (seq === 0) return false;
  const live = s.sequences.get(seq);
  return live !== -1 && s.visible(live);
}

function cancelPrevious(s: State, row: number): void {
  const live = s.sequences.get(s.entities.num(row, Num.lastSeq));
  if (s.jobs.state(live) === JobState.held) return;
  const seq = s.jobs.seq(live);
  const createdMs = s.jobs.createdMs(live);
  s.events.add(EventType.cancelled, seq, createdMs, finish(s, live, JobState.cancelled, undefined), s.logTimeMs);
  s.events.because(cancelReason);
}
const cancelReason = new TextEncoder().encode("the next slot of its schedule came");

/** Adds the job, for who put the schedule or runs it by hand. False: it is a duplicate, or there are too many queues. */
export function fire(s: State, row: number, r: PutScheduleRequestReader, slotMs: number, byHand: boolean): boolean {
  const { actor } = s.events;
  if (!byHand && r.principalEnd > r.principalStart) s.events.actor = textOf(r.buf, r.principalStart, r.principalEnd);
  const added = addJob(s, row, r, slotMs, byHand);
  s.events.actor = actor;
  return added;
}

function addJob(s: State, row: number, r: PutScheduleRequestReader, slotMs: number, byHand: boolean): boolean {
  const { entities: e } = s;
  const id = scheduleId(s, row);
  w.reset();
  w.ensure(r.jobEnd - r.jobStart);
  w.buf.set(r.buf.subarray(r.jobStart, r.jobEnd), 0);
  w.pos = r.jobEnd - r.jobStart;
  const idBytes = encoder.encode(id);
  putRange(w, EnqueueRequestTag.scheduleId, idBytes, 0, idBytes.length);
  putUint64(w, EnqueueRequestTag.scheduleSlotMs, slotMs);
  const outcome = insert(s, job.read(w.buf, 0, w.pos));
  if (outcome !== EnqueueOutcome.pending) {
    if (!byHand) skipped(s, row);
    return false;
  }
  const before = e.num(row, Num.lastSeq);
  if (e.num(row, Num.bufferedMs) !== 0 && s.awaited.delete(before)) s.awaited.set(inserted.seq, e.serial(row));
  e.setNum(row, Num.lastSeq, inserted.seq);
  e.setNum(row, Num.lastCreatedMs, inserted.createdMs);
  if (!byHand) e.setNum(row, Num.lastSlotMs, slotMs);
  e.setInt4(row, Int.runs, e.int4(row, Int.runs) + 1);
  const queue = s.queues.of(s.jobs.queue(s.sequences.get(inserted.seq)));
  s.events.add(EventType.scheduleFired, inserted.seq, inserted.createdMs, queue, s.logTimeMs);
  const data = { schedule: textOf(r.buf, r.nameStart, r.nameEnd), schedule_id: id, slot_ms: slotMs, by_hand: byHand || undefined };
  s.events.attach(encoder.encode(JSON.stringify(data)));
  return true;
}
const encoder = new TextEncoder();

/** Nothing waits any more. */
export function unbuffer(s: State, row: number): void {
  const { entities: e } = s;
  if (e.num(row, Num.bufferedMs) === 0) return;
  e.setNum(row, Num.bufferedMs, 0);
  s.awaited.delete(e.num(row, Num.lastSeq));
}

/** A job is gone for which a slot waits: the next tick, which comes at once, sees to it. */
export function awaitedEnded(s: State, seq: number): void {
  const serial = s.awaited.get(seq);
  if (serial === undefined) return;
  const row = s.entities.bySerial(serial);
  if (row !== -1) s.entities.setDue(row, Math.max(s.logTimeMs, 1));
}

/** After a restore: what follows from the entities. */
export function schedulesRestored(s: State): void {
  const { entities: e } = s;
  s.asking.clear();
  s.awaited.clear();
  for (let row = e.first(EntityKind.schedule); row !== -1; row = e.following(row)) {
    if ((e.flag(row) & Flag.asks) !== 0) s.asking.add(e.serial(row));
    if (e.num(row, Num.bufferedMs) !== 0) s.awaited.set(e.num(row, Num.lastSeq), e.serial(row));
  }
}
