import { HashIndex, hashBytes, sameBytes } from "./hash-index.js";
import { JobState } from "./job-table.js";
import { ListOrder } from "./list-order.js";
import { RateMeter } from "./rate-meter.js";
import type { ThrottleLog } from "./throttle-log.js";

/** Lists of a queue: pending by priority, then one per other live state, then pending jobs that wait for others. */
export const listsPerQueue = 8;
/** The first lists are those of pending jobs, one per priority; only from these something is handed out. */
export const priorities = 3;
/** Number of the last list, which the first snapshots and digests did not know. */
export const blockedList = 7;

/** Number of the list in which a job is that is in this state and waits for so many others. */
export function listOf(state: number, priority: number, waits: number): number {
  switch (state) {
    case JobState.pending:
      return waits === 0 ? priority : blockedList;
    case JobState.active:
      return 3;
    case JobState.held:
      return 4;
    case JobState.retrying:
      return 5;
    default:
      return 6; // scheduled
  }
}

/** A queue with its settings, lists and counters. Queues are few (`limits.queuesMax`), so each is an object. */
export class Queue {
  /** Number by which rows name it. Used again when the queue is destroyed and its rows are swept. */
  readonly number: number;
  /** Never used again: by this, locks and archive counts name it. */
  readonly serial: number;
  readonly name: string;
  readonly nameBytes: Uint8Array<ArrayBuffer>;
  /** Log time of its first use, unix milliseconds. */
  readonly createdMs: number;
  /** Archive place at its creation: records before it belong to an older queue of the same name, which was destroyed. */
  readonly bornSegment: number;
  readonly bornOffset: number;

  paused = false;
  /** Active jobs at most; 0: no cap. */
  concurrencyMax = 0;
  /** Jobs that may wait; 0: no cap. Follows from the entities (see `queue-depth.ts`). */
  depthMax = 0;
  /** Caps fetches in any trailing window; undefined: no cap. */
  throttle: ThrottleLog | undefined;

  /** First and last row of each list; -1: empty. */
  readonly head = new Int32Array(listsPerQueue).fill(-1);
  readonly tail = new Int32Array(listsPerQueue).fill(-1);
  readonly count = new Int32Array(listsPerQueue);
  /** Rises with each clear. */
  epoch = 0;
  destroyed = false;

  /** Finished jobs that are kept. */
  completed = 0;
  dead = 0;
  cancelled = 0;
  /** Failed attempts ever. */
  failed = 0;

  // What follows is each node's own: neither in snapshots nor in the state hash.

  /** Order of the pending lists, for telling places; made when first needed. */
  readonly orders: (ListOrder | undefined)[] = [undefined, undefined, undefined];
  /** Jobs handed out. */
  readonly grants = new RateMeter();
  /** When somebody last asked for jobs of it, unix milliseconds; 0: nobody since this node started. */
  askedMs = 0;
  /** It is on the list of queues that may have become fetchable. */
  ready = false;
  /** Its newest row of counters; -1: none. */
  counts = -1;
  /** The read view will be told of it. */
  fed = false;
  /** Serial of the cut that has it already. */
  cutSerial = 0;

  constructor(given: {
    number: number;
    serial: number;
    name: string;
    nameBytes: Uint8Array<ArrayBuffer>;
    createdMs: number;
    bornSegment: number;
    bornOffset: number;
  }) {
    this.number = given.number;
    this.serial = given.serial;
    this.name = given.name;
    this.nameBytes = given.nameBytes;
    this.createdMs = given.createdMs;
    this.bornSegment = given.bornSegment;
    this.bornOffset = given.bornOffset;
  }

  order(priority: number): ListOrder {
    return (this.orders[priority] ??= new ListOrder());
  }

  /** Jobs that could be handed out. */
  get pending(): number {
    return this.count[0] + this.count[1] + this.count[2];
  }
  /** Pending, but waiting for other jobs. */
  get blocked(): number {
    return this.count[blockedList];
  }
  get active(): number {
    return this.count[3];
  }
  get held(): number {
    return this.count[4];
  }
  get retrying(): number {
    return this.count[5];
  }
  get scheduled(): number {
    return this.count[6];
  }

  /** May a job be handed out at this time, apart from there being one? */
  open(nowMs: number): boolean {
    return (
      !this.paused &&
      (this.concurrencyMax === 0 || this.active < this.concurrencyMax) &&
      (this.throttle === undefined || this.throttle.freeAtMs(nowMs) <= nowMs)
    );
  }

  /** Jobs that could be handed out at this time. */
  grantable(nowMs: number): number {
    if (!this.open(nowMs)) return 0;
    const room = this.concurrencyMax === 0 ? this.pending : Math.min(this.pending, this.concurrencyMax - this.active);
    return this.throttle === undefined ? room : Math.min(room, this.throttle.room(nowMs));
  }

  /** Adds to the counter of a finished state. */
  countFinished(state: number, by: number): void {
    if (state === JobState.completed) this.completed += by;
    else if (state === JobState.dead) this.dead += by;
    else this.cancelled += by;
  }
}

const decoder = new TextDecoder();

/** All queues, by number, name and serial. */
export class Queues {
  /** By number. A destroyed queue stays until its rows are swept. */
  readonly byNumber: (Queue | undefined)[] = [];
  readonly bySerial = new Map<number, Queue>();
  readonly byName = new Map<string, Queue>();
  /** Numbers to use again, last first. */
  freeNumbers: number[] = [];
  lastSerial = 0;
  /** Queues whose name has a namespace (`ns::name`). */
  namespaced = 0;
  private readonly index = new HashIndex();
  private last: Queue | undefined;

  constructor(private readonly seed: number) {}

  /** Queues that exist. */
  get size(): number {
    return this.bySerial.size;
  }

  of(number: number): Queue {
    return this.byNumber[number]!;
  }

  find(bytes: Uint8Array, start: number, end: number): Queue | undefined {
    const last = this.last;
    if (last !== undefined && sameBytes(last.nameBytes, 0, last.nameBytes.length, bytes, start, end)) return last;
    const hash = hashBytes(this.seed, bytes, start, end);
    for (let number = this.index.first(hash); number !== -1; number = this.index.next()) {
      const queue = this.byNumber[number]!;
      if (!sameBytes(queue.nameBytes, 0, queue.nameBytes.length, bytes, start, end)) continue;
      this.last = queue;
      return queue;
    }
    return undefined;
  }

  create(bytes: Uint8Array, start: number, end: number, createdMs: number, bornSegment: number, bornOffset: number): Queue {
    const nameBytes = bytes.slice(start, end) as Uint8Array<ArrayBuffer>;
    const number = this.freeNumbers.pop() ?? this.byNumber.length;
    const queue = new Queue({ number, serial: ++this.lastSerial, name: decoder.decode(nameBytes), nameBytes, createdMs, bornSegment, bornOffset });
    this.put(queue);
    return queue;
  }

  /** Also for restores. */
  put(queue: Queue): void {
    while (this.byNumber.length <= queue.number) this.byNumber.push(undefined);
    this.byNumber[queue.number] = queue;
    if (queue.destroyed) return;
    this.bySerial.set(queue.serial, queue);
    this.byName.set(queue.name, queue);
    if (queue.name.includes("::")) this.namespaced++;
    this.index.add(hashBytes(this.seed, queue.nameBytes, 0, queue.nameBytes.length), queue.number);
  }

  /** Nobody finds it any more; its number stays taken until `recycle`. */
  destroy(queue: Queue): void {
    queue.destroyed = true;
    this.bySerial.delete(queue.serial);
    this.byName.delete(queue.name);
    if (queue.name.includes("::")) this.namespaced--;
    this.index.remove(hashBytes(this.seed, queue.nameBytes, 0, queue.nameBytes.length), queue.number);
    if (this.last === queue) this.last = undefined;
  }

  recycle(queue: Queue): void {
    this.byNumber[queue.number] = undefined;
    this.freeNumbers.push(queue.number);
  }
}
