import { type Arena, TextKind } from "./arena.js";
import { HashIndex, hashBytes, hashMore, sameBytes } from "./hash-index.js";
import { Pages } from "./pages.js";
import { TimerHeap } from "./timer-heap.js";

enum F {
  seq = 0,
  createdMs = 1,
  expiresMs = 2,
  queueSerial = 3,
}
enum I {
  key = 8,
  timer = 9,
  next = 10,
}

/**
 * Unique keys that are held: (queue, key) → job. A lock outlives its job unless the job is completed; it ends when its time is over.
 * A destroyed queue's locks are never found again, for they name it by serial. Invariant: `key` 0 means that the row is free.
 */
export class UniqueLocks extends Pages {
  readonly expiries = new TimerHeap(this, I.timer);
  private readonly index = new HashIndex();

  constructor(
    private readonly arena: Arena,
    private readonly seed: number,
  ) {
    super(48, I.next);
  }

  override get bytes(): number {
    return super.bytes + this.index.bytes + this.expiries.bytes;
  }

  /** The lock of this key, expired or not; -1: none. */
  find(queueSerial: number, bytes: Uint8Array, start: number, end: number): number {
    const hash = this.hash(queueSerial, bytes, start, end);
    for (let lock = this.index.first(hash); lock !== -1; lock = this.index.next()) {
      if (this.num(lock, F.queueSerial) !== queueSerial) continue;
      const key = this.key(lock);
      const at = this.arena.start(key);
      if (sameBytes(this.arena.memory(key), at, at + this.arena.length(key), bytes, start, end)) return lock;
    }
    return -1;
  }

  /** Adds a lock for a key that has none. */
  add(queueSerial: number, bytes: Uint8Array, start: number, end: number, seq: number, createdMs: number, expiresMs: number): number {
    const lock = this.allocate();
    this.setNum(lock, F.seq, seq);
    this.setNum(lock, F.createdMs, createdMs);
    this.setNum(lock, F.expiresMs, expiresMs);
    this.setNum(lock, F.queueSerial, queueSerial);
    this.setInt(lock, I.timer, 0);
    this.setInt(lock, I.key, this.arena.put(TextKind.uniqueKey, lock, bytes, start, end) | 0);
    this.index.add(this.hash(queueSerial, bytes, start, end), lock);
    this.expiries.add(lock, expiresMs, seq);
    return lock;
  }

  remove(lock: number): void {
    this.touch(lock);
    const key = this.key(lock);
    const at = this.arena.start(key);
    this.index.remove(this.hash(this.num(lock, F.queueSerial), this.arena.memory(key), at, at + this.arena.length(key)), lock);
    this.expiries.remove(lock);
    this.arena.free(key);
    this.setInt(lock, I.key, 0);
    this.release(lock);
  }

  /** Sequence of the job that holds it. */
  seq(lock: number): number {
    return this.num(lock, F.seq);
  }
  createdMs(lock: number): number {
    return this.num(lock, F.createdMs);
  }
  /** Unix milliseconds; from then on somebody else can have the key. */
  expiresMs(lock: number): number {
    return this.num(lock, F.expiresMs);
  }
  queueSerial(lock: number): number {
    return this.num(lock, F.queueSerial);
  }
  key(lock: number): number {
    return this.int(lock, I.key) >>> 0;
  }
  moveKey(lock: number, address: number): void {
    this.touch(lock);
    this.setInt(lock, I.key, address | 0);
  }
  isFree(lock: number): boolean {
    return this.int(lock, I.key) === 0;
  }

  /** After restoring pages and texts. */
  restored(rows: number): void {
    this.finishRestore(rows, (lock) => this.isFree(lock));
    for (let lock = 0; lock < rows; lock++) {
      if (this.isFree(lock)) continue;
      const key = this.key(lock);
      this.arena.restoreLive(TextKind.uniqueKey, lock, key);
      const at = this.arena.start(key);
      this.index.add(this.hash(this.queueSerial(lock), this.arena.memory(key), at, at + this.arena.length(key)), lock);
      this.expiries.addUnordered(lock, this.expiresMs(lock), this.seq(lock));
    }
    this.expiries.order();
  }

  freeRows(): number {
    return this.countFree((lock) => this.isFree(lock));
  }

  private hash(queueSerial: number, bytes: Uint8Array, start: number, end: number): number {
    return hashMore(hashBytes(this.seed, bytes, start, end), queueSerial);
  }
}
