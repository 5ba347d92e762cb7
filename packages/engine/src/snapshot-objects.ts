import { readEvents } from "./snapshot-events.js";
import { ObjectReader, ObjectType, type ObjectWriter } from "./snapshot-format.js";
import type { State } from "./state.js";
import type { ArchiveSegment } from "./tables/archive.js";
import { blockedList, listsPerQueue, Queue } from "./tables/queues.js";
import { ThrottleLog } from "./tables/throttle-log.js";
import { Worker } from "./tables/workers.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Lists of numbers that the state has beside its tables. */
export const NumberList = { freeQueues: 1, freeWorkers: 2, garbage: 3, dyingQueues: 4, dyingAfter: 5 } as const;

export function writeNumbers(w: ObjectWriter, list: number, numbers: readonly number[]): void {
  w.begin(ObjectType.numbers);
  w.u32(list);
  w.u32(numbers.length);
  for (const number of numbers) w.f64(number);
  w.end();
}

export function writeQueue(w: ObjectWriter, q: Queue): void {
  w.begin(ObjectType.queue);
  w.u32(q.number);
  w.f64(q.serial);
  w.raw(q.nameBytes);
  w.f64(q.createdMs);
  w.u32(q.bornSegment);
  w.u32(q.bornOffset);
  w.u32((q.paused ? 1 : 0) | (q.destroyed ? 2 : 0) | (q.throttle === undefined ? 0 : 4) | (q.blocked === 0 ? 0 : 8));
  w.u32(q.concurrencyMax);
  w.u32(q.epoch);
  for (let list = 0; list < (q.blocked === 0 ? blockedList : listsPerQueue); list++) {
    w.u32(q.head[list]);
    w.u32(q.tail[list]);
    w.u32(q.count[list]);
  }
  for (const counter of [q.completed, q.dead, q.cancelled, q.failed]) w.f64(counter);
  if (q.throttle !== undefined) {
    w.u32(q.throttle.rate);
    w.u32(q.throttle.windowMs);
    w.u32(q.throttle.count);
    for (let i = 0; i < q.throttle.count; i++) w.f64(q.throttle.at(i));
  }
  w.end();
}

export function writeWorker(w: ObjectWriter, worker: Worker): void {
  w.begin(ObjectType.worker);
  w.u32(worker.number);
  w.raw(worker.name);
  w.u32(worker.idBytes);
  w.f64(worker.heardMs);
  w.f64(worker.startedMs);
  w.f64(worker.fetchedFence);
  w.u32(worker.queues.length);
  for (const queue of worker.queues) w.raw(encoder.encode(queue));
  w.end();
}

export function writeSegment(w: ObjectWriter, segment: ArchiveSegment): void {
  w.begin(ObjectType.segment);
  w.u32(segment.number);
  w.f64(segment.newestMs);
  w.u32(segment.counts.size);
  for (const [serial, counts] of segment.counts) {
    w.f64(serial);
    w.u32(counts.completed);
    w.u32(counts.dead);
    w.u32(counts.cancelled);
  }
  w.end();
}

/** Lists of numbers as they are read. */
export type NumberLists = Map<number, number[]>;

/** Puts one object of the stream where it belongs. */
export function readObject(s: State, type: number, bytes: Uint8Array, lists: NumberLists): void {
  const r = new ObjectReader(bytes);
  switch (type) {
    case ObjectType.numbers: {
      const list = r.u32();
      const numbers: number[] = [];
      for (let left = r.u32(); left > 0; left--) numbers.push(r.f64());
      lists.set(list, numbers);
      break;
    }
    case ObjectType.queue:
      readQueue(s, r);
      break;
    case ObjectType.worker: {
      const number = r.u32();
      const name = r.raw();
      const worker = new Worker(number, name, r.u32());
      worker.heardMs = r.f64();
      worker.startedMs = r.f64();
      worker.fetchedFence = r.f64();
      for (let left = r.u32(); left > 0; left--) worker.queues.push(decoder.decode(r.raw()));
      s.workers.put(worker);
      break;
    }
    case ObjectType.events:
      readEvents(s, r);
      break;
    case ObjectType.segment: {
      const segment: ArchiveSegment = { number: r.u32(), newestMs: r.f64(), counts: new Map(), cutSerial: 0 };
      for (let left = r.u32(); left > 0; left--) segment.counts.set(r.f64(), { completed: r.u32(), dead: r.u32(), cancelled: r.u32() });
      s.archive.segments.push(segment);
      break;
    }
  }
  r.done();
}

function readQueue(s: State, r: ObjectReader): void {
  const number = r.u32();
  const serial = r.f64();
  const nameBytes = r.raw();
  const q = new Queue({ number, serial, name: decoder.decode(nameBytes), nameBytes, createdMs: r.f64(), bornSegment: r.u32(), bornOffset: r.u32() });
  const flags = r.u32();
  q.paused = (flags & 1) !== 0;
  q.destroyed = (flags & 2) !== 0;
  q.concurrencyMax = r.u32();
  q.epoch = r.u32();
  for (let list = 0; list < ((flags & 8) === 0 ? blockedList : listsPerQueue); list++) {
    q.head[list] = r.i32();
    q.tail[list] = r.i32();
    q.count[list] = r.u32();
  }
  q.completed = r.f64();
  q.dead = r.f64();
  q.cancelled = r.f64();
  q.failed = r.f64();
  if ((flags & 4) !== 0) {
    q.throttle = new ThrottleLog(r.u32(), r.u32());
    for (let left = r.u32(); left > 0; left--) q.throttle.restore(r.f64());
  }
  s.queues.put(q);
}
