import { EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { jobIdBytes, limits, putJobId, type Refusal, refuse } from "@corvo/protocol";
import { visibleRecord } from "./archived.js";
import { archiveAgain, textOf } from "./command.js";
import { enter, leave } from "./lists.js";
import { notLive, type State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { EventType } from "./tables/events.js";
import { JobFlag, JobState } from "./tables/job-table.js";

/**
 * A job that waits for others has `JobTable.waits` above 0 and is in a list of its queue from which nothing is handed out. For each job
 * that somebody waits for there is a head (kind `dependency`, key: its id), and for each pair an edge (kind `dependencyEdge`, key:
 * sequence of the one that waits, serial of the head). Edges of a head are linked in the order in which they were made.
 *
 * An edge goes when the job that is waited for is completed (then it is met for good, whatever becomes of that job), or when the one that
 * waits ends. Invariant: `waits` of a row is the number of its edges.
 */
export const HeadNumber = { first: 0, last: 1, count: 2 } as const;
export const EdgeNumber = { seq: 0, head: 1, prev: 2, next: 3 } as const;

const request = new EnqueueRequestReader();
const id = new Uint8Array(jobIdBytes);
const key = new Uint8Array(16);
const keyNumbers = new Float64Array(key.buffer);

/**
 * Why a job cannot wait for these others: one of them is still to be made (only so could a ring close), or too many wait for it already.
 * `archiveAgain`: the state of one is not known here, the leader must look.
 */
export function dependencyRefusal(s: State, r: EnqueueRequestReader): Refusal | undefined {
  for (let i = 0; i < r.dependsOnCount; i++) {
    const start = r.dependsOnStart[i];
    const end = r.dependsOnEnd[i];
    const field = { field: `depends_on[${i}]` };
    if (end - start > limits.entityIdBytesMax) return refuse("invalid_argument", "TOO_LARGE", `depends_on[${i}] is no job id`, field);
    const head = headOf(s, r.buf, start, end);
    if (head !== -1 && s.entities.num(head, HeadNumber.count) >= limits.dependentsMax) {
      const text = `${limits.dependentsMax} jobs wait for job "${textOf(r.buf, start, end)}" already`;
      return refuse("resource_exhausted", "TOO_LARGE", text, field);
    }
    if (s.isFuture(r.buf, start, end)) {
      const text = `job "${textOf(r.buf, start, end)}" does not exist yet: a job can only depend on earlier ones, so that no ring can close`;
      return refuse("failed_precondition", "DEPENDENCY_CYCLE", text, field);
    }
  }
  return dependenciesUnknown(s, r) ? archiveAgain : undefined;
}

/** The state of one of the jobs that this request depends on is not known here: the leader must look into the archive. */
export function dependenciesUnknown(s: State, r: EnqueueRequestReader): boolean {
  for (let i = 0; i < r.dependsOnCount; i++) {
    if (s.find(r.buf, r.dependsOnStart[i], r.dependsOnEnd[i]) === notLive && stateOfFinished(s) < 0) return true;
  }
  return false;
}

/** Sequences of the jobs that this request depends on and that are not live: what the leader looks up. */
export function dependenciesToLookUp(s: State, r: EnqueueRequestReader, into: Set<number>): void {
  for (let i = 0; i < r.dependsOnCount; i++) if (s.find(r.buf, r.dependsOnStart[i], r.dependsOnEnd[i]) === notLive) into.add(s.foundSeq);
}

/** State of the job that `State.find` did not find live: 0: there is none; below 0: not known. */
function stateOfFinished(s: State): number {
  const now = s.endedNow?.get(s.foundSeq);
  if (now !== undefined) return now.createdMs === s.foundCreatedMs ? now.state : 0;
  const fact = s.command.fact(s.foundSeq);
  if (fact === undefined) return -1;
  return fact.state === 0 || fact.createdMs !== s.foundCreatedMs ? 0 : visibleRecord(s, fact, fact.segment, fact.offset);
}

/** A new job, or one that runs again, waits for those of its dependencies that are not completed. Its row is in no list yet. */
export function waitForOthers(s: State, row: number, r: EnqueueRequestReader): void {
  let waits = 0;
  for (let i = 0; i < r.dependsOnCount; i++) {
    const start = r.dependsOnStart[i];
    const end = r.dependsOnEnd[i];
    const other = s.find(r.buf, start, end);
    if (other === notLive && stateOfFinished(s) === JobState.completed) continue;
    if (!addEdge(s, row, r.buf, start, end)) continue;
    waits++;
    if (other < 0) continue;
    s.jobs.touch(other);
    s.jobs.setFlags(other, s.jobs.flags(other) | JobFlag.awaited);
  }
  s.jobs.setWaits(row, waits);
}

/** False: there is one already (an id that was given twice). */
function addEdge(s: State, row: number, buf: Uint8Array, start: number, end: number): boolean {
  const { entities } = s;
  let head = headOf(s, buf, start, end);
  if (head === -1) head = entities.add(EntityKind.dependency, buf, start, end, buf, 0, 0);
  const seq = s.jobs.seq(row);
  const headSerial = entities.serial(head);
  if (edgeOf(s, seq, headSerial) !== -1) return false;
  const edge = entities.add(EntityKind.dependencyEdge, key, 0, key.length, key, 0, 0);
  const serial = entities.serial(edge);
  entities.setNum(edge, EdgeNumber.seq, seq);
  entities.setNum(edge, EdgeNumber.head, headSerial);
  const last = entities.num(head, HeadNumber.last);
  if (last === 0) entities.setNum(head, HeadNumber.first, serial);
  else {
    entities.setNum(edge, EdgeNumber.prev, last);
    entities.setNum(entities.bySerial(last), EdgeNumber.next, serial);
  }
  entities.setNum(head, HeadNumber.last, serial);
  entities.setNum(head, HeadNumber.count, entities.num(head, HeadNumber.count) + 1);
  return true;
}

function headOf(s: State, buf: Uint8Array, start: number, end: number): number {
  return s.entities.count(EntityKind.dependency) === 0 ? -1 : s.entities.find(EntityKind.dependency, buf, start, end);
}

/** Leaves its key in `key`. */
function edgeOf(s: State, seq: number, headSerial: number): number {
  keyNumbers[0] = seq;
  keyNumbers[1] = headSerial;
  return s.entities.find(EntityKind.dependencyEdge, key, 0, key.length);
}

/** A job is completed: whoever waits for it waits for one less, and may be handed out when it was the last. */
export function release(s: State, seq: number, createdMs: number): void {
  const { entities } = s;
  putJobId(id, 0, createdMs, seq);
  const head = headOf(s, id, 0, id.length);
  if (head === -1) return;
  for (let serial = entities.num(head, HeadNumber.first); serial !== 0; ) {
    const edge = entities.bySerial(serial);
    const waiting = s.sequences.get(entities.num(edge, EdgeNumber.seq));
    serial = entities.num(edge, EdgeNumber.next);
    entities.remove(edge);
    if (waiting !== -1) waitsForLess(s, waiting);
  }
  entities.remove(head);
}

function waitsForLess(s: State, row: number): void {
  const { jobs } = s;
  const waits = jobs.waits(row) - 1;
  s.hash.mix(21, jobs.seq(row), waits);
  jobs.touch(row);
  if (waits > 0 || jobs.state(row) !== JobState.pending || !s.visible(row)) return jobs.setWaits(row, waits);
  const queue = leave(s, row);
  jobs.setWaits(row, 0);
  enter(s, row, queue, JobState.pending);
  s.events.add(EventType.promoted, jobs.seq(row), jobs.createdMs(row), queue, s.logTimeMs);
}

/** A job that waits for others ends: nobody needs to wake it. */
export function forgetOthers(s: State, row: number): void {
  const { arena, entities, jobs } = s;
  const address = jobs.request(row);
  const start = arena.start(address);
  const r = request.read(arena.memory(address), start, start + arena.length(address));
  const seq = jobs.seq(row);
  for (let i = 0; i < r.dependsOnCount; i++) {
    const head = headOf(s, r.buf, r.dependsOnStart[i], r.dependsOnEnd[i]);
    const edge = head === -1 ? -1 : edgeOf(s, seq, entities.serial(head));
    if (edge !== -1) removeEdge(s, head, edge);
  }
}

function removeEdge(s: State, head: number, edge: number): void {
  const { entities } = s;
  const prev = entities.num(edge, EdgeNumber.prev);
  const next = entities.num(edge, EdgeNumber.next);
  if (prev === 0) entities.setNum(head, HeadNumber.first, next);
  else entities.setNum(entities.bySerial(prev), EdgeNumber.next, next);
  if (next === 0) entities.setNum(head, HeadNumber.last, prev);
  else entities.setNum(entities.bySerial(next), EdgeNumber.prev, prev);
  entities.remove(edge);
  const count = entities.num(head, HeadNumber.count) - 1;
  if (count === 0) entities.remove(head);
  else entities.setNum(head, HeadNumber.count, count);
}

/** A job runs again: somebody may be waiting for it. */
export function awaitedAgain(s: State, row: number): void {
  putJobId(id, 0, s.jobs.createdMs(row), s.jobs.seq(row));
  if (headOf(s, id, 0, id.length) !== -1) s.jobs.setFlags(row, s.jobs.flags(row) | JobFlag.awaited);
}

/** Does the job with this sequence still wait for the job with this id? */
export function stillWaits(s: State, seq: number, other: Uint8Array): boolean {
  const head = headOf(s, other, 0, other.length);
  return head !== -1 && edgeOf(s, seq, s.entities.serial(head)) !== -1;
}

/** Sequences of the jobs that wait for the job with this id, oldest first. */
export function waitingFor(s: State, other: Uint8Array, max: number): number[] {
  const { entities } = s;
  const head = headOf(s, other, 0, other.length);
  const seqs: number[] = [];
  if (head === -1) return seqs;
  for (let serial = entities.num(head, HeadNumber.first); serial !== 0 && seqs.length < max; ) {
    const edge = entities.bySerial(serial);
    seqs.push(entities.num(edge, EdgeNumber.seq));
    serial = entities.num(edge, EdgeNumber.next);
  }
  return seqs;
}
