import { ensure } from "../invariant.js";
import { type Arena, TextKind } from "./arena.js";
import { HashIndex, hashBytes, hashMore, sameBytes } from "./hash-index.js";
import { Pages } from "./pages.js";
import type { RollingHash } from "./rolling-hash.js";
import { SequenceIndex } from "./sequence-index.js";
import { TimerHeap } from "./timer-heap.js";

/** What an entity is. Numbers are in snapshots: never reuse one. */
export const EntityKind = {
  batch: 1,
  /** A job that others wait for. Key: its id. */
  dependency: 2,
  iteration: 3,
  budget: 4,
  policy: 5,
  usage: 6,
  schedule: 7,
  bulkTask: 8,
  bulkItem: 9,
  counter: 10,
  fingerprint: 11,
  webhook: 12,
  webhookDelivery: 13,
  apiKey: 14,
  role: 15,
  namespace: 16,
  audit: 17,
  jobTimer: 18,
  child: 19,
  setting: 20,
  /** Most jobs that may wait in a queue: number 0. Key: the queue's name. */
  queueDepth: 60,
  chain: 21,
  /** One pair of jobs of which one waits for the other. */
  dependencyEdge: 22,
  /** A job that a budget holds back. Key: its sequence. */
  budgetHold: 30,
  /** What a worker was told. Key: number of its namespace, `/`, its id. */
  workerOrder: 40,
  /** A custom role of a key. Key: the key's hash; text: the role's name. */
  keyRole: 50,
  /** The number under which a namespace owns entities; stays when the namespace goes. Key: its name; first integer: the number. */
  namespaceNumber: 51,
} as const;
export const entityKindsMax = 64;

enum F {
  dueMs = 8,
  serial = 9,
}
enum I {
  key = 20,
  text = 21,
  timer = 22,
  next = 23,
  prev = 24,
  /** First of four. */
  free = 25,
}
const kindAt = 116;
const flagAt = 117;
/** Two bytes: who owns it. */
const ownerAt = 118;

/** Numbers that stand for changes in the state hash. */
const Change = { added: 112, removed: 113, text: 114, number: 115, integer: 116, flag: 117, due: 118 } as const;

/**
 * Everything that is not a job, a queue or a worker: batches, schedules, budgets, policies, keys … One row each: a kind, a key that
 * finds it, a text (a message of corvo.internal.v1), eight doubles, four integers, a byte, and a time at which `due.ts` looks at it.
 * What a number or the text means is the kind's business: one file per kind says so.
 *
 * All changes go through the setters: they keep what a cut needs, and mix the change into the state hash.
 * Invariant: `kind` 0 means that the row is free; entities of one kind are linked in the order in which they were added.
 */
export class EntityTable extends Pages {
  /** Those with a time, by (time, serial). */
  readonly due = new TimerHeap(this, I.timer);
  /** Serial of the newest. */
  lastSerial = 0;
  /** Number of the namespace whose command is being applied: what it adds belongs to that namespace. 0: `default`. */
  adding = 0;
  private readonly index = new HashIndex();
  private readonly heads = new Int32Array(entityKindsMax).fill(-1);
  private readonly tails = new Int32Array(entityKindsMax).fill(-1);
  private readonly counts = new Int32Array(entityKindsMax);
  private readonly bySerials = new SequenceIndex();
  private readonly bits = new Float64Array(1);
  private readonly halves = new Int32Array(this.bits.buffer);

  constructor(
    private readonly arena: Arena,
    private readonly seed: number,
    private readonly hash: RollingHash,
  ) {
    super(120, I.next);
  }

  override get bytes(): number {
    return super.bytes + this.index.bytes + this.due.bytes + this.bySerials.bytes;
  }

  /** A new entity; its numbers are 0. `key` need not be unique: `find` gives the oldest, `all` gives all. */
  add(kind: number, key: Uint8Array, keyStart: number, keyEnd: number, text: Uint8Array, textStart: number, textEnd: number): number {
    ensure(kind > 0 && kind < entityKindsMax, `no kind ${kind} of entities`);
    const row = this.allocate();
    const serial = ++this.lastSerial;
    for (let i = 0; i < 10; i++) super.setNum(row, i, 0);
    for (let i = 0; i < 4; i++) this.setInt(row, I.free + i, 0);
    super.setNum(row, F.serial, serial);
    this.setInt(row, I.timer, 0);
    this.setByte(row, kindAt, kind);
    this.setByte(row, flagAt, 0);
    this.setByte(row, ownerAt, this.adding & 255);
    this.setByte(row, ownerAt + 1, this.adding >>> 8);
    this.setInt(row, I.key, keyEnd === keyStart ? 0 : this.arena.put(TextKind.uniqueKey, ownerOfKey(row), key, keyStart, keyEnd) | 0);
    this.setInt(row, I.text, textEnd === textStart ? 0 : this.arena.put(TextKind.uniqueKey, ownerOfText(row), text, textStart, textEnd) | 0);
    this.hook(row, kind);
    this.index.add(hashMore(hashBytes(this.seed, key, keyStart, keyEnd), kind), row);
    this.bySerials.set(serial, row);
    this.hash.mix(Change.added, serial * 64 + kind, hashBytes(hashBytes(kind + this.adding * 64, key, keyStart, keyEnd), text, textStart, textEnd));
    return row;
  }

  private hook(row: number, kind: number): void {
    const tail = this.tails[kind];
    this.setInt(row, I.next, -1);
    this.setInt(row, I.prev, tail);
    if (tail === -1) this.heads[kind] = row;
    else {
      this.touch(tail);
      this.setInt(tail, I.next, row);
    }
    this.tails[kind] = row;
    this.counts[kind]++;
  }

  remove(row: number): void {
    const kind = this.kind(row);
    ensure(kind !== 0, `entity row ${row} is free`);
    this.touch(row);
    this.due.remove(row);
    const key = this.keyAddress(row);
    this.index.remove(this.keyHash(row), row);
    if (key !== 0) this.arena.free(key);
    const text = this.textAddress(row);
    if (text !== 0) this.arena.free(text);
    const next = this.int(row, I.next);
    const prev = this.int(row, I.prev);
    if (prev === -1) this.heads[kind] = next;
    else {
      this.touch(prev);
      this.setInt(prev, I.next, next);
    }
    if (next === -1) this.tails[kind] = prev;
    else {
      this.touch(next);
      this.setInt(next, I.prev, prev);
    }
    this.counts[kind]--;
    this.bySerials.remove(this.serial(row));
    this.hash.mix(Change.removed, this.serial(row), kind);
    this.setByte(row, kindAt, 0);
    this.setInt(row, I.key, 0);
    this.setInt(row, I.text, 0);
    this.release(row);
  }

  /** The oldest entity of this kind with this key; -1: none. */
  find(kind: number, key: Uint8Array, start: number, end: number): number {
    const hash = hashMore(hashBytes(this.seed, key, start, end), kind);
    let found = -1;
    for (let row = this.index.first(hash); row !== -1; row = this.index.next()) {
      if (this.is(row, kind, key, start, end) && (found === -1 || this.serial(row) < this.serial(found))) found = row;
    }
    return found;
  }

  /** All entities of this kind with this key, oldest first. */
  all(kind: number, key: Uint8Array, start: number, end: number): number[] {
    const hash = hashMore(hashBytes(this.seed, key, start, end), kind);
    const rows: number[] = [];
    for (let row = this.index.first(hash); row !== -1; row = this.index.next()) if (this.is(row, kind, key, start, end)) rows.push(row);
    return rows.sort((a, b) => this.serial(a) - this.serial(b));
  }

  private is(row: number, kind: number, key: Uint8Array, start: number, end: number): boolean {
    if (this.kind(row) !== kind) return false;
    const address = this.keyAddress(row);
    if (address === 0) return start === end;
    const at = this.arena.start(address);
    return sameBytes(this.arena.memory(address), at, at + this.arena.length(address), key, start, end);
  }

  /** The entity with this serial; -1: it is gone. */
  bySerial(serial: number): number {
    return this.bySerials.get(serial);
  }

  /** Oldest entity of a kind; -1: none. `for (let e = first(k); e !== -1; e = following(e))`. */
  first(kind: number): number {
    return this.heads[kind];
  }
  following(row: number): number {
    return this.int(row, I.next);
  }
  last(kind: number): number {
    return this.tails[kind];
  }
  preceding(row: number): number {
    return this.int(row, I.prev);
  }
  count(kind: number): number {
    return this.counts[kind];
  }

  kind(row: number): number {
    return this.byte(row, kindAt);
  }
  /** Number of the namespace that it belongs to (see `adding`); 0: `default`. */
  owner(row: number): number {
    return this.byte(row, ownerAt) | (this.byte(row, ownerAt + 1) << 8);
  }
  /** Rises with each entity and is never used again: what others keep to refer to it. */
  serial(row: number): number {
    return this.num(row, F.serial);
  }

  /** A copy. */
  keyOf(row: number): Uint8Array {
    const address = this.keyAddress(row);
    return address === 0 ? nothing : this.arena.view(address).slice();
  }
  /** A copy. */
  textOf(row: number): Uint8Array {
    const address = this.textAddress(row);
    return address === 0 ? nothing : this.arena.view(address).slice();
  }
  /** Where the text lies, for readers: valid until something is put or freed. */
  textMemory(row: number): Uint8Array {
    const address = this.textAddress(row);
    return address === 0 ? nothing : this.arena.memory(address);
  }
  textStart(row: number): number {
    const address = this.textAddress(row);
    return address === 0 ? 0 : this.arena.start(address);
  }
  textEnd(row: number): number {
    const address = this.textAddress(row);
    return address === 0 ? 0 : this.arena.start(address) + this.arena.length(address);
  }
  setText(row: number, text: Uint8Array, start: number, end: number): void {
    this.touch(row);
    const old = this.textAddress(row);
    const address = start === end ? 0 : this.arena.put(TextKind.uniqueKey, ownerOfText(row), text, start, end);
    this.setInt(row, I.text, address | 0);
    if (old !== 0) this.arena.free(old);
    this.hash.mix(Change.text, this.serial(row), hashBytes(0, text, start, end));
  }

  /** Sets one of eight numbers (0 to 7); read it with `num(row, i)`. */
  override setNum(row: number, i: number, value: number): void {
    this.touch(row);
    super.setNum(row, i, value);
    this.bits[0] = value;
    this.hash.mix(Change.number + i * 128, this.serial(row), (this.halves[0] >>> 0) + (this.halves[1] & 0x1fffff) * 4294967296);
    this.hash.mix(Change.number, 0, this.halves[1] >>> 21);
  }
  /** One of four integers (0 to 3). */
  int4(row: number, i: number): number {
    return this.int(row, I.free + i);
  }
  setInt4(row: number, i: number, value: number): void {
    this.touch(row);
    this.setInt(row, I.free + i, value);
    this.hash.mix(Change.integer + i * 128, this.serial(row), value >>> 0);
  }
  flag(row: number): number {
    return this.byte(row, flagAt);
  }
  setFlag(row: number, value: number): void {
    this.touch(row);
    this.setByte(row, flagAt, value);
    this.hash.mix(Change.flag, this.serial(row), value);
  }

  /** Unix milliseconds; 0: never. */
  dueMs(row: number): number {
    return this.num(row, F.dueMs);
  }
  /** When `due.ts` looks at it, in log time, unix milliseconds; 0: never. */
  setDue(row: number, ms: number): void {
    this.touch(row);
    this.due.remove(row);
    super.setNum(row, F.dueMs, ms);
    if (ms !== 0) this.due.add(row, ms, this.serial(row));
    this.hash.mix(Change.due, this.serial(row), ms);
  }

  keyAddress(row: number): number {
    return this.int(row, I.key) >>> 0;
  }
  textAddress(row: number): number {
    return this.int(row, I.text) >>> 0;
  }
  private keyHash(row: number): number {
    const address = this.keyAddress(row);
    const at = address === 0 ? 0 : this.arena.start(address);
    const bytes = address === 0 ? nothing : this.arena.memory(address);
    return hashMore(hashBytes(this.seed, bytes, at, address === 0 ? 0 : at + this.arena.length(address)), this.kind(row));
  }

  /** Owners of texts are below 0 here: unique locks have the numbers from 0 under the same kind of text. */
  holds(owner: number, address: number): boolean {
    const row = -1 - owner;
    if (row >>> 1 >= this.rows || this.kind(row >>> 1) === 0) return false;
    return ((row & 1) === 0 ? this.keyAddress(row >>> 1) : this.textAddress(row >>> 1)) === address;
  }
  moved(owner: number, address: number): void {
    const row = -1 - owner;
    this.touch(row >>> 1);
    this.setInt(row >>> 1, (row & 1) === 0 ? I.key : I.text, address | 0);
  }

  /** After restoring pages and texts. */
  restored(rows: number, lastSerial: number): void {
    this.lastSerial = lastSerial;
    if (rows === 0) return;
    this.finishRestore(rows, (row) => this.kind(row) === 0);
    for (let row = 0; row < rows; row++) {
      const kind = this.kind(row);
      if (kind === 0) continue;
      if (this.keyAddress(row) !== 0) this.arena.restoreLive(TextKind.uniqueKey, ownerOfKey(row), this.keyAddress(row));
      if (this.textAddress(row) !== 0) this.arena.restoreLive(TextKind.uniqueKey, ownerOfText(row), this.textAddress(row));
      this.index.add(this.keyHash(row), row);
      this.bySerials.set(this.serial(row), row);
      this.counts[kind]++;
      if (this.int(row, I.prev) === -1) this.heads[kind] = row;
      if (this.int(row, I.next) === -1) this.tails[kind] = row;
      if (this.dueMs(row) !== 0) this.due.addUnordered(row, this.dueMs(row), this.serial(row));
    }
    this.due.order();
  }

  freeRows(): number {
    return this.countFree((row) => this.kind(row) === 0);
  }

  /** Walks everything and throws when something does not fit. */
  check(): void {
    let listed = 0;
    for (let kind = 1; kind < entityKindsMax; kind++) {
      let before = -1;
      let count = 0;
      for (let row = this.heads[kind]; row !== -1; row = this.following(row)) {
        ensure(this.kind(row) === kind && this.preceding(row) === before, `entity row ${row} is in the wrong list or does not know its neighbour`);
        ensure(before === -1 || this.serial(before) < this.serial(row), `entity row ${row} is older than the one before it`);
        ensure(this.bySerial(this.serial(row)) === row, `entity row ${row} is not found by its serial`);
        const key = this.keyOf(row);
        ensure(this.all(kind, key, 0, key.length).includes(row), `entity row ${row} is not found by its key`);
        ensure(this.due.has(row) === (this.dueMs(row) !== 0), `entity row ${row} has the wrong timer`);
        before = row;
        count++;
      }
      ensure(this.tails[kind] === before && this.counts[kind] === count, `kind ${kind}: ${count} entities, ${this.counts[kind]} counted`);
      listed += count;
    }
    ensure(listed === this.used && this.freeRows() + this.used === this.rows, `${this.used} entities, ${listed} in lists`);
    this.due.check("entities", (row) => this.dueMs(row));
  }
}

const nothing = new Uint8Array(0);

function ownerOfKey(row: number): number {
  return -1 - row * 2;
}
function ownerOfText(row: number): number {
  return -2 - row * 2;
}
