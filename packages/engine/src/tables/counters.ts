import { HashIndex, hashMore } from "./hash-index.js";
import { inPage, Pages, pageShift } from "./pages.js";
import type { Queue } from "./queues.js";

const minuteMs = 60_000;
const tenMinutes = 10;
/** Counters of a minute are kept for a day, after that those of ten minutes for a week. */
const minutesKept = 24 * 60;
const tensKept = 7 * 24 * 60;
/** 208 bytes each: 40 MiB at most. Above it the oldest go first. */
const rowsMax = 200_000;

/** Upper bounds of the histograms' first buckets in milliseconds; the last bucket has everything above. */
export const histogramBoundsMs = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000] as const;
const buckets = histogramBoundsMs.length + 1;

/** What is counted. */
export const Counted = { enqueued: 5, started: 6, completed: 7, failed: 8, dead: 9, cancelled: 10, held: 11, deleted: 12, requeued: 13 } as const;
enum I {
  /** Serial of the queue; 0: all queues together. */
  queue = 0,
  /** Minutes since 1970; 0: the row is free. */
  minute = 1,
  next = 2,
  /** The queue's row before this one, if it is still that. */
  before = 3,
  /** Minutes that it covers: 1 or 10. */
  span = 4,
  /** Jobs of the queue when the row was made: pending, active, held, retrying, scheduled. */
  depth = 14,
  wait = 20,
  run = 36,
}
const strideBytes = (I.run + buckets) * 4;

/** Counts of some minutes of a queue, for whoever asks. */
export interface CountRecord {
  atMs: number;
  spanMs: number;
  enqueued: number;
  started: number;
  completed: number;
  failed: number;
  dead: number;
  cancelled: number;
  held: number;
  deleted: number;
  requeued: number;
  /** At the beginning. */
  pending: number;
  active: number;
  heldDepth: number;
  retrying: number;
  scheduled: number;
  /** How long jobs were pending, and how long they ran, by `histogramBoundsMs`. */
  wait: number[];
  run: number[];
}

/**
 * What happened, by queue and minute, and for all queues together: a row for each minute in which something did. State like everything
 * else: every replica has the same counts. The newest row of a queue is at hand, so that counting is an addition.
 */
export class Counters extends Pages {
  /** Minute of the entry that is being applied. */
  minute = 0;
  private all = -1;
  /** The queue that was counted for last in this entry, and where its counts and those of all lie. */
  private counted: Queue | undefined;
  private own = new Int32Array(0);
  private ownAt = 0;
  private shared = this.own;
  private sharedAt = 0;
  private readonly heads = new Int32Array(2).fill(-1);
  private readonly tails = new Int32Array(2).fill(-1);
  private readonly tens = new HashIndex();

  constructor() {
    super(strideBytes, I.next);
  }

  override get bytes(): number {
    return super.bytes + this.tens.bytes;
  }

  /** Time has come to this. */
  advance(nowMs: number, queueOf: (serial: number) => Queue | undefined): void {
    this.counted = undefined;
    const minute = Math.floor(nowMs / minuteMs);
    if (minute === this.minute) return;
    this.minute = minute;
    for (let row = this.heads[0]; row !== -1 && this.int(row, I.minute) < minute - minutesKept; row = this.heads[0]) {
      this.fold(row);
      this.drop(0, queueOf);
    }
    while (this.heads[1] !== -1 && this.int(this.heads[1], I.minute) < minute - tensKept) this.drop(1, queueOf);
  }

  /** Adds one to a counter. */
  count(queue: Queue, field: number): void {
    if (queue !== this.counted) this.begin(queue);
    this.own[this.ownAt + field]++;
    this.shared[this.sharedAt + field]++;
  }

  /** A job was pending for this long. */
  waited(queue: Queue, ms: number): void {
    this.count(queue, I.wait + bucketOf(ms));
  }

  /** An attempt ran for this long. */
  ran(queue: Queue, ms: number): void {
    this.count(queue, I.run + bucketOf(ms));
  }

  /** Finds the rows of a queue and of all for what is counted next: most of an entry is about one queue. */
  private begin(queue: Queue): void {
    const row = this.rowOf(queue);
    const all = this.rowOfAll();
    this.touch(row);
    this.touch(all);
    this.own = this.i32[row >>> pageShift];
    this.ownAt = (row & inPage) * (strideBytes / 4);
    this.shared = this.i32[all >>> pageShift];
    this.sharedAt = (all & inPage) * (strideBytes / 4);
    this.counted = queue;
  }

  private rowOf(queue: Queue): number {
    const row = queue.counts;
    if (row !== -1 && this.int(row, I.minute) === this.minute) return row;
    const made = this.make(queue.serial, this.minute, 1, row);
    queue.counts = made;
    const { pending, active, held, retrying, scheduled } = queue;
    this.setDepth(made, pending, active, held, retrying, scheduled);
    return made;
  }

  private rowOfAll(): number {
    if (this.all !== -1 && this.int(this.all, I.minute) === this.minute) return this.all;
    this.all = this.make(0, this.minute, 1, this.all);
    return this.all;
  }

  private setDepth(row: number, ...depth: number[]): void {
    for (const [i, value] of depth.entries()) this.setInt(row, I.depth + i, value);
  }

  private make(queue: number, minute: number, span: number, before: number): number {
    const row = this.allocate();
    for (let i = 0; i < strideBytes / 4; i++) this.setInt(row, i, 0);
    this.setInt(row, I.queue, queue);
    this.setInt(row, I.minute, minute);
    this.setInt(row, I.span, span);
    this.setInt(row, I.before, before);
    this.setInt(row, I.next, -1);
    const list = span === 1 ? 0 : 1;
    const tail = this.tails[list];
    if (tail === -1) this.heads[list] = row;
    else {
      this.touch(tail);
      this.setInt(tail, I.next, row);
    }
    this.tails[list] = row;
    if (list === 1) this.tens.add(tenHash(queue, minute), row);
    return row;
  }

  /** A minute that is a day old becomes part of its ten minutes. */
  private fold(row: number): void {
    const queue = this.int(row, I.queue);
    const minute = Math.floor(this.int(row, I.minute) / tenMinutes) * tenMinutes;
    let ten = this.findTen(queue, minute);
    if (ten === -1) {
      ten = this.make(queue, minute, tenMinutes, -1);
      for (let i = I.depth; i < I.depth + 5; i++) this.setInt(ten, i, this.int(row, i));
    } else this.touch(ten);
    for (let i = Counted.enqueued as number; i < I.depth; i++) this.setInt(ten, i, this.int(ten, i) + this.int(row, i));
    for (let i = I.wait as number; i < I.run + buckets; i++) this.setInt(ten, i, this.int(ten, i) + this.int(row, i));
  }

  private findTen(queue: number, minute: number): number {
    for (let row = this.tens.first(tenHash(queue, minute)); row !== -1; row = this.tens.next()) {
      if (this.int(row, I.queue) === queue && this.int(row, I.minute) === minute) return row;
    }
    return -1;
  }

  private drop(list: number, queueOf: (serial: number) => Queue | undefined): void {
    const row = this.heads[list];
    this.heads[list] = this.int(row, I.next);
    if (this.heads[list] === -1) this.tails[list] = -1;
    const serial = this.int(row, I.queue);
    if (list === 1) this.tens.remove(tenHash(serial, this.int(row, I.minute)), row);
    else if (serial === 0) {
      if (this.all === row) this.all = -1;
    } else {
      const queue = queueOf(serial);
      if (queue?.counts === row) queue.counts = -1;
    }
    this.touch(row);
    this.setInt(row, I.minute, 0);
    this.release(row);
  }

  /** Keeps within bounds: called once per entry. */
  trim(queueOf: (serial: number) => Queue | undefined): void {
    while (this.used > rowsMax) this.drop(this.heads[1] !== -1 ? 1 : 0, queueOf);
  }

  /** Counts of a queue, or of all together, in a span of time, oldest first. */
  records(queue: Queue | undefined, fromMs: number, toMs: number): CountRecord[] {
    const serial = queue === undefined ? 0 : queue.serial;
    const found: CountRecord[] = [];
    const from = Math.floor(fromMs / minuteMs);
    let row = queue === undefined ? this.all : queue.counts;
    for (let last = Number.POSITIVE_INFINITY; row !== -1; row = this.int(row, I.before)) {
      const minute = this.int(row, I.minute);
      // A row that was freed, and perhaps used again, is not the one that was meant.
      if (this.int(row, I.queue) !== serial || this.int(row, I.span) !== 1 || minute === 0 || minute >= last || minute < from) break;
      last = minute;
      if (minute * minuteMs <= toMs) found.push(this.record(row));
    }
    for (let row = this.tails[1] === -1 ? -1 : this.heads[1]; row !== -1; row = this.int(row, I.next)) {
      const minute = this.int(row, I.minute);
      if (this.int(row, I.queue) === serial && minute >= from && minute * minuteMs <= toMs) found.push(this.record(row));
    }
    return found.sort((a, b) => a.atMs - b.atMs);
  }

  private record(row: number): CountRecord {
    const at = (field: number): number => this.int(row, field) >>> 0;
    const many = (field: number): number[] => Array.from({ length: buckets }, (_, i) => at(field + i));
    return {
      atMs: at(I.minute) * minuteMs,
      spanMs: at(I.span) * minuteMs,
      enqueued: at(Counted.enqueued),
      started: at(Counted.started),
      completed: at(Counted.completed),
      failed: at(Counted.failed),
      dead: at(Counted.dead),
      cancelled: at(Counted.cancelled),
      held: at(Counted.held),
      deleted: at(Counted.deleted),
      requeued: at(Counted.requeued),
      pending: at(I.depth),
      active: at(I.depth + 1),
      heldDepth: at(I.depth + 2),
      retrying: at(I.depth + 3),
      scheduled: at(I.depth + 4),
      wait: many(I.wait),
      run: many(I.run),
    };
  }

  isFree(row: number): boolean {
    return this.int(row, I.minute) === 0;
  }

  /** After restoring pages: lists and the newest rows are found again. */
  restored(rows: number, minute: number, queueOf: (serial: number) => Queue | undefined): void {
    this.minute = minute;
    if (rows === 0) return;
    this.finishRestore(rows, (row) => this.isFree(row));
    const followed = new Set<number>();
    for (let row = 0; row < rows; row++) if (!this.isFree(row)) followed.add(this.int(row, I.next));
    for (let row = 0; row < rows; row++) {
      if (this.isFree(row)) continue;
      const list = this.int(row, I.span) === 1 ? 0 : 1;
      const serial = this.int(row, I.queue);
      if (!followed.has(row)) this.heads[list] = row;
      if (this.int(row, I.next) === -1) this.tails[list] = row;
      if (list === 1) {
        this.tens.add(tenHash(serial, this.int(row, I.minute)), row);
        continue;
      }
      const newest = serial === 0 ? this.all : (queueOf(serial)?.counts ?? -1);
      if (newest !== -1 && this.int(newest, I.minute) > this.int(row, I.minute)) continue;
      const queue = queueOf(serial);
      if (serial === 0) this.all = row;
      else if (queue !== undefined) queue.counts = row;
    }
  }

  freeRows(): number {
    return this.countFree((row) => this.isFree(row));
  }

  /** For digests: all rows in their order, without places. */
  *contents(): Generator<number[]> {
    for (let list = 0; list < 2; list++) {
      for (let row = this.heads[list]; row !== -1; row = this.int(row, I.next)) {
        yield Array.from({ length: strideBytes / 4 }, (_, i) => (i === I.next || i === I.before ? 0 : this.int(row, i) >>> 0));
      }
    }
  }
}

function tenHash(queue: number, minute: number): number {
  return hashMore(hashMore(0x5bd1e995, queue), minute);
}

function bucketOf(ms: number): number {
  for (let i = 0; i < histogramBoundsMs.length; i++) if (ms <= histogramBoundsMs[i]) return i;
  return histogramBoundsMs.length;
}
