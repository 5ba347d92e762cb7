import { Pages } from "./pages.js";

/** Told of rows whose searchable facts change. */
export interface RowFeed {
  changed(row: number): void;
  gone(row: number): void;
}

/** Numbers of corvo.v1.JobState. */
export const JobState = {
  pending: 1,
  active: 2,
  held: 3,
  completed: 4,
  retrying: 5,
  dead: 6,
  cancelled: 7,
  scheduled: 8,
} as const;

/** Names of states by number. */
export const jobStateNames = ["", "pending", "active", "held", "completed", "retrying", "dead", "cancelled", "scheduled"] as const;

/** 56 bytes of doubles, 52 of integers, 4 of bytes, 8 of integers. */
const strideBytes = 120;
/** What a row was before it had the last two integers: snapshots of that time are still read. */
export const jobStrideBytesBefore = 112;
const doubles = strideBytes / 8;
const integers = strideBytes / 4;

enum F {
  seq = 0,
  createdMs = 1,
  dueMs = 2,
  fence = 3,
  expireMs = 4,
  startedMs = 5,
  failedMs = 6,
}
enum I {
  next = 14,
  prev = 15,
  timer = 16,
  expiry = 17,
  queue = 18,
  attempt = 19,
  maxRetries = 20,
  leaseMs = 21,
  worker = 22,
  lock = 23,
  request = 24,
  document = 25,
  epoch = 26,
}
enum B {
  state = 108,
  priority = 109,
  revived = 110,
  flags = 111,
}
/** Behind the bytes. */
enum I2 {
  batch = 28,
  waits = 29,
}

/** Bits of `JobTable.flags`. */
export const JobFlag = {
  /** It is a step of a chain. */
  chained: 1,
  agent: 2,
  /** Others wait for it. */
  awaited: 4,
  hasParent: 8,
  hasChildren: 16,
  /** A budget holds it back. */
  overBudget: 32,
  /** The view has not seen its last change. */
  unseen: 64,
  /** A person let it run although a budget held it: the next fetch does not ask the budgets. */
  overruled: 128,
} as const;

/** States in which a job is in the archive. */
export type FinishedState = typeof JobState.completed | typeof JobState.dead | typeof JobState.cancelled;

/** Fields that timer heaps write by number. */
export const timerField = I.timer;
export const expiryField = I.expiry;

/**
 * Every live job (pending, active, held, retrying, scheduled): one row each, everything that scheduling needs to know about it.
 * Texts (payload, tags, checkpoint, failures …) lie in the arena; the row has their addresses.
 *
 * Invariant: a row in use is in exactly one list of its queue (see `lists.ts`) and in the sequence index.
 */
export class JobTable extends Pages {
  /** The read view's; undefined: there is none. */
  feed: RowFeed | undefined;

  constructor() {
    super(strideBytes, I.next);
  }

  /** Call before changing what is known about a job. */
  override touch(row: number): void {
    super.touch(row);
    if (this.feed !== undefined) this.feed.changed(row);
  }

  /** The same for what nobody can search: links, leases, addresses. */
  keep(row: number): void {
    super.touch(row);
  }

  /** A new row with everything zero but the sequence. */
  add(seq: number): number {
    const row = this.allocate();
    const page = row >>> 10;
    const at = (row & 1023) * doubles;
    const f64 = this.f64[page];
    const i32 = this.i32[page];
    f64[at] = seq;
    for (let i = 1; i < doubles; i++) f64[at + i] = 0;
    const ints = (row & 1023) * integers;
    i32[ints + I.next] = -1;
    i32[ints + I.prev] = -1;
    i32[ints + I.lock] = -1;
    return row;
  }

  remove(row: number): void {
    this.keep(row);
    if (this.feed !== undefined) this.feed.gone(row);
    this.setState(row, 0);
    this.release(row);
  }

  /** After restoring pages. */
  restored(rows: number): void {
    this.finishRestore(rows, (row) => this.state(row) === 0);
  }

  freeRows(): number {
    return this.countFree((row) => this.state(row) === 0);
  }

  /** Creation sequence, 1 and up; with `createdMs` it makes the job id. */
  seq(row: number): number {
    return this.f64[row >>> 10][(row & 1023) * doubles + F.seq];
  }

  /** Log time of its creation, unix milliseconds. */
  createdMs(row: number): number {
    return this.f64[row >>> 10][(row & 1023) * doubles + F.createdMs];
  }
  setCreatedMs(row: number, value: number): void {
    this.f64[row >>> 10][(row & 1023) * doubles + F.createdMs] = value;
  }

  /** Active: end of the lease in serving time. Scheduled, retrying: when it comes due, unix milliseconds. Pending: since when it is. Else 0. */
  dueMs(row: number): number {
    return this.f64[row >>> 10][(row & 1023) * doubles + F.dueMs];
  }
  setDueMs(row: number, value: number): void {
    this.f64[row >>> 10][(row & 1023) * doubles + F.dueMs] = value;
  }

  /** Fence of the last grant; 0: never granted. */
  fence(row: number): number {
    return this.f64[row >>> 10][(row & 1023) * doubles + F.fence];
  }
  setFence(row: number, value: number): void {
    this.f64[row >>> 10][(row & 1023) * doubles + F.fence] = value;
  }

  /** When it dies unless it is active, unix milliseconds; 0: never. */
  expireMs(row: number): number {
    return this.f64[row >>> 10][(row & 1023) * doubles + F.expireMs];
  }
  setExpireMs(row: number, value: number): void {
    this.f64[row >>> 10][(row & 1023) * doubles + F.expireMs] = value;
  }

  /** Last fetch, unix milliseconds; 0: never. */
  startedMs(row: number): number {
    return this.f64[row >>> 10][(row & 1023) * doubles + F.startedMs];
  }
  setStartedMs(row: number, value: number): void {
    this.f64[row >>> 10][(row & 1023) * doubles + F.startedMs] = value;
  }

  /** Last failure, unix milliseconds; 0: none, or retried by hand since. */
  failedMs(row: number): number {
    return this.f64[row >>> 10][(row & 1023) * doubles + F.failedMs];
  }
  setFailedMs(row: number, value: number): void {
    this.f64[row >>> 10][(row & 1023) * doubles + F.failedMs] = value;
  }

  /** Next row of its list; -1: it is the tail. */
  next(row: number): number {
    return this.i32[row >>> 10][(row & 1023) * integers + I.next];
  }
  setNext(row: number, value: number): void {
    this.i32[row >>> 10][(row & 1023) * integers + I.next] = value;
  }

  /** Previous row of its list; -1: it is the head. */
  prev(row: number): number {
    return this.i32[row >>> 10][(row & 1023) * integers + I.prev];
  }
  setPrev(row: number, value: number): void {
    this.i32[row >>> 10][(row & 1023) * integers + I.prev] = value;
  }

  /** Number of its queue. */
  queue(row: number): number {
    return this.i32[row >>> 10][(row & 1023) * integers + I.queue];
  }
  setQueue(row: number, value: number): void {
    this.i32[row >>> 10][(row & 1023) * integers + I.queue] = value;
  }

  /** Attempts so far, counted at fetch. */
  attempt(row: number): number {
    return this.i32[row >>> 10][(row & 1023) * integers + I.attempt];
  }
  setAttempt(row: number, value: number): void {
    this.i32[row >>> 10][(row & 1023) * integers + I.attempt] = value;
  }

  /** Attempts in total. */
  maxRetries(row: number): number {
    return this.i32[row >>> 10][(row & 1023) * integers + I.maxRetries];
  }
  setMaxRetries(row: number, value: number): void {
    this.i32[row >>> 10][(row & 1023) * integers + I.maxRetries] = value;
  }

  /** Lease that was given at the last fetch, in milliseconds. */
  leaseMs(row: number): number {
    return this.i32[row >>> 10][(row & 1023) * integers + I.leaseMs];
  }
  setLeaseMs(row: number, value: number): void {
    this.i32[row >>> 10][(row & 1023) * integers + I.leaseMs] = value;
  }

  /** Number of the worker that holds it; 0: none. */
  worker(row: number): number {
    return this.i32[row >>> 10][(row & 1023) * integers + I.worker];
  }
  setWorker(row: number, value: number): void {
    this.i32[row >>> 10][(row & 1023) * integers + I.worker] = value;
  }

  /** Its unique lock; -1: none. The lock may be another job's by now: it says whose it is. */
  lock(row: number): number {
    return this.i32[row >>> 10][(row & 1023) * integers + I.lock];
  }
  setLock(row: number, value: number): void {
    this.i32[row >>> 10][(row & 1023) * integers + I.lock] = value;
  }

  /** Address of the enqueue request as it came. */
  request(row: number): number {
    return this.i32[row >>> 10][(row & 1023) * integers + I.request] >>> 0;
  }
  setRequest(row: number, value: number): void {
    this.i32[row >>> 10][(row & 1023) * integers + I.request] = value;
  }

  /** Address of its JobDocument; 0: none. */
  document(row: number): number {
    return this.i32[row >>> 10][(row & 1023) * integers + I.document] >>> 0;
  }
  setDocument(row: number, value: number): void {
    this.i32[row >>> 10][(row & 1023) * integers + I.document] = value;
  }

  /** The queue's epoch when it entered its list: a pending or scheduled row of an older epoch was cleared and waits for the sweep. */
  epoch(row: number): number {
    return this.i32[row >>> 10][(row & 1023) * integers + I.epoch];
  }
  setEpoch(row: number, value: number): void {
    this.i32[row >>> 10][(row & 1023) * integers + I.epoch] = value;
  }

  /** Serial of the batch that it belongs to; 0: none. */
  batch(row: number): number {
    return this.i32[row >>> 10][(row & 1023) * integers + I2.batch] >>> 0;
  }
  setBatch(row: number, value: number): void {
    this.i32[row >>> 10][(row & 1023) * integers + I2.batch] = value | 0;
  }

  /** Jobs that it still waits for. */
  waits(row: number): number {
    return this.i32[row >>> 10][(row & 1023) * integers + I2.waits];
  }
  setWaits(row: number, value: number): void {
    this.i32[row >>> 10][(row & 1023) * integers + I2.waits] = value;
  }

  /** Bits of `JobFlag`. */
  flags(row: number): number {
    return this.u8[row >>> 10][(row & 1023) * strideBytes + B.flags];
  }
  setFlags(row: number, value: number): void {
    this.u8[row >>> 10][(row & 1023) * strideBytes + B.flags] = value;
  }

  /** Number of `JobState`; 0: the row is free. */
  state(row: number): number {
    return this.u8[row >>> 10][(row & 1023) * strideBytes + B.state];
  }
  setState(row: number, value: number): void {
    this.u8[row >>> 10][(row & 1023) * strideBytes + B.state] = value;
  }

  /** 0 critical, 1 high, 2 normal. */
  priority(row: number): number {
    return this.u8[row >>> 10][(row & 1023) * strideBytes + B.priority];
  }
  setPriority(row: number, value: number): void {
    this.u8[row >>> 10][(row & 1023) * strideBytes + B.priority] = value;
  }

  /** It was finished before and was run again: the archive has a record of it, and a mark says that the record is void. */
  revived(row: number): boolean {
    return this.u8[row >>> 10][(row & 1023) * strideBytes + B.revived] !== 0;
  }
  setRevived(row: number): void {
    this.u8[row >>> 10][(row & 1023) * strideBytes + B.revived] = 1;
  }
}
