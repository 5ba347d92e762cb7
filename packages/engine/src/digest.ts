import type { State } from "./state.js";
import { entityKindsMax } from "./tables/entities.js";
import { hashBytes, hashMore } from "./tables/hash-index.js";
import { JobFlag } from "./tables/job-table.js";
import { blockedList, listsPerQueue } from "./tables/queues.js";

/**
 * A hash of what the state is: jobs with their texts and places in their lists, queues, workers, locks, remembered requests, marks,
 * counters. Rows, addresses and numbers do not count, so a restored engine has the digest of the one it came from.
 */
export function contentDigest(s: State): string {
  const lanes = [0x12345678, 0x9abcdef0].map((seed) => digest(s, seed));
  return lanes.map((lane) => lane.toString(16).padStart(8, "0")).join("");
}

function digest(s: State, seed: number): number {
  const scalars = [s.appliedIndex, s.logTimeMs, s.pausedMs, s.lastSeq, s.lastFence, s.archive.next.segment, s.archive.next.offset, s.events.lastSeq];
  let sum = numbers(seed, [...scalars, s.hash.low, s.hash.high, s.queues.size, s.queues.lastSerial, s.locks.used, s.remembered.used, s.marks.used]);
  for (const queue of s.queues.bySerial.values()) sum += digestQueue(s, seed, queue.serial);
  let lastWorker = seed;
  for (let worker = s.workers.oldest; worker !== undefined; worker = worker.newer) {
    lastWorker = numbers(hashBytes(lastWorker, worker.name, 0, worker.name.length), [
      worker.idBytes,
      worker.heardMs,
      worker.startedMs,
      worker.fetchedFence,
      worker.jobs,
    ]);
    for (const queue of worker.queues) for (let i = 0; i < queue.length; i++) lastWorker = hashMore(lastWorker, queue.charCodeAt(i));
  }
  sum += lastWorker;
  for (let lock = 0; lock < s.locks.rows; lock++) {
    if (s.locks.isFree(lock)) continue;
    const facts = [s.locks.seq(lock), s.locks.createdMs(lock), s.locks.expiresMs(lock), s.locks.queueSerial(lock)];
    sum += text(s, numbers(seed, facts), s.locks.key(lock));
  }
  let lastEntry = seed;
  for (let entry = s.remembered.oldest; entry !== -1; entry = s.remembered.following(entry)) {
    lastEntry = text(s, numbers(lastEntry, [s.remembered.atMs(entry), s.remembered.keyBytes(entry)]), s.remembered.text(entry));
  }
  sum += lastEntry;
  for (let mark = 0; mark < s.marks.rows; mark++) {
    if (s.marks.kind(mark) !== 0) sum += numbers(seed, [s.marks.seq(mark), s.marks.kind(mark), s.marks.segment(mark), s.marks.offset(mark)]);
  }
  for (let kind = 1; kind < entityKindsMax; kind++) sum += digestEntities(s, seed, kind);
  for (let row = 0; row < s.deleted.rows; row++) {
    if (!s.deleted.isFree(row)) sum += numbers(seed, [s.deleted.block(row), s.deleted.segment(row), ...s.deleted.bits(row)]);
  }
  for (const segment of s.archive.segments) {
    for (const [serial, c] of segment.counts) sum += numbers(seed, [segment.number, segment.newestMs, serial, c.completed, c.dead, c.cancelled]);
  }
  let lastCount = seed;
  for (const row of s.counters.contents()) lastCount = numbers(lastCount, row);
  return (s.counters.used === 0 ? sum : sum + lastCount) >>> 0;
}

function digestEntities(s: State, seed: number, kind: number): number {
  const { entities } = s;
  let h = 0;
  for (let row = entities.first(kind); row !== -1; row = entities.following(row)) {
    h = numbers(h ^ seed, [kind, entities.serial(row), entities.flag(row), entities.dueMs(row), entities.owner(row)]);
    for (let i = 0; i < 8; i++) h = double(h, entities.num(row, i));
    for (let i = 0; i < 4; i++) h = hashMore(h, entities.int4(row, i) >>> 0);
    if (entities.keyAddress(row) !== 0) h = text(s, h, entities.keyAddress(row));
    if (entities.textAddress(row) !== 0) h = text(s, h + 1, entities.textAddress(row));
  }
  return h;
}

const bits = new Float64Array(1);
const halves = new Uint32Array(bits.buffer);

/** Any double, fractions included. */
function double(seed: number, value: number): number {
  bits[0] = value;
  return hashMore(hashMore(seed, halves[0]), halves[1]);
}

function digestQueue(s: State, seed: number, serial: number): number {
  const q = s.queues.bySerial.get(serial)!;
  let h = hashBytes(seed, q.nameBytes, 0, q.nameBytes.length);
  h = numbers(h, [serial, q.createdMs, q.bornSegment, q.bornOffset, q.paused ? 1 : 0, q.concurrencyMax, q.epoch, q.completed, q.dead, q.cancelled, q.failed]);
  if (q.throttle !== undefined) {
    h = numbers(h, [q.throttle.rate, q.throttle.windowMs]);
    for (let i = 0; i < q.throttle.count; i++) h = hashMore(h, q.throttle.at(i));
  }
  for (let list = 0; list < listsPerQueue; list++) {
    if (list === blockedList && q.blocked === 0) continue;
    for (let row = q.head[list]; row !== -1; row = s.jobs.next(row)) h = digestJob(s, h, row);
    h = hashMore(h, q.count[list]);
  }
  return h;
}

function digestJob(s: State, seed: number, row: number): number {
  const { jobs } = s;
  const worker = jobs.worker(row) === 0 ? undefined : s.workers.byNumber[jobs.worker(row)];
  const facts = [jobs.seq(row), jobs.createdMs(row), jobs.dueMs(row), jobs.fence(row), jobs.expireMs(row), jobs.startedMs(row), jobs.failedMs(row)];
  let h = numbers(seed, facts);
  h = numbers(h, [jobs.attempt(row), jobs.maxRetries(row), jobs.leaseMs(row), jobs.state(row), jobs.priority(row), jobs.revived(row) ? 1 : 0]);
  if (worker !== undefined) h = hashBytes(h, worker.name, 0, worker.name.length);
  const links = [jobs.batch(row), jobs.waits(row), jobs.flags(row) & ~JobFlag.unseen];
  if (links.some((n) => n !== 0)) h = numbers(h, links);
  const lock = jobs.lock(row);
  h = hashMore(h, lock !== -1 && !s.locks.isFree(lock) && s.locks.seq(lock) === jobs.seq(row) ? 1 : 0);
  h = text(s, h, jobs.request(row));
  return jobs.document(row) === 0 ? h : text(s, h, jobs.document(row));
}

function text(s: State, seed: number, address: number): number {
  const start = s.arena.start(address);
  return hashBytes(seed, s.arena.memory(address), start, start + s.arena.length(address));
}

function numbers(seed: number, values: readonly number[]): number {
  let h = seed;
  for (const value of values) h = hashMore(h, value < 0 ? -value * 2 + 1 : value * 2);
  return h;
}
