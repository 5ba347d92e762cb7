import { limits } from "@corvo/protocol";
import { type Arena, TextKind } from "./arena.js";
import { HashIndex, hashBytes, sameBytes } from "./hash-index.js";
import { Pages } from "./pages.js";

enum F {
  atMs = 0,
}
enum I {
  text = 2,
  next = 3,
  keyBytes = 4,
}

/** Bytes of the request's hash. */
export const requestHashBytes = 16;

/**
 * Requests that carried a request id, with their answers. Text of an entry: key (verb, namespace, id), hash of the request, answer.
 * They go oldest first: after `limits.requestIdKeepMs` of log time, or when there are more than `limits.requestIdsMax`, or when their
 * texts are more than `limits.requestIdBytesKept`: the answer to a fetch holds payloads.
 * Invariant: `text` 0 means that the row is free.
 */
export class Remembered extends Pages {
  oldest = -1;
  newest = -1;
  private readonly index = new HashIndex();
  private scratch = new Uint8Array(4096);
  private textBytes = 0;

  constructor(
    private readonly arena: Arena,
    private readonly seed: number,
    private readonly requestIdsMax: number = limits.requestIdsMax,
    private readonly textBytesMax: number = limits.requestIdBytesKept,
  ) {
    super(24, I.next);
  }

  override get bytes(): number {
    return super.bytes + this.index.bytes;
  }

  /** The entry of this key, or -1. */
  find(key: Uint8Array, keyBytes: number): number {
    const hash = hashBytes(this.seed, key, 0, keyBytes);
    for (let entry = this.index.first(hash); entry !== -1; entry = this.index.next()) {
      const text = this.text(entry);
      const at = this.arena.start(text);
      if (sameBytes(this.arena.memory(text), at, at + this.keyBytes(entry), key, 0, keyBytes)) return entry;
    }
    return -1;
  }

  /** Was it the same request? */
  sameHash(entry: number, hash: Uint8Array, start: number): boolean {
    const text = this.text(entry);
    const at = this.arena.start(text) + this.keyBytes(entry);
    return sameBytes(this.arena.memory(text), at, at + requestHashBytes, hash, start, start + requestHashBytes);
  }

  /** The answer as it was given: valid until something changes. */
  answer(entry: number): Uint8Array<ArrayBuffer> {
    return this.arena.view(this.text(entry)).subarray(this.keyBytes(entry) + requestHashBytes);
  }

  add(key: Uint8Array, keyBytes: number, hash: Uint8Array, hashStart: number, answer: Uint8Array, answerStart: number, answerEnd: number, atMs: number): void {
    const bytes = keyBytes + requestHashBytes + answerEnd - answerStart;
    if (this.used >= this.requestIdsMax) this.forgetOldest();
    while (this.textBytes + bytes > this.textBytesMax && this.oldest !== -1) this.forgetOldest();
    this.textBytes += bytes;
    if (this.scratch.length < bytes) this.scratch = new Uint8Array(bytes * 2);
    this.scratch.set(key.subarray(0, keyBytes));
    this.scratch.set(hash.subarray(hashStart, hashStart + requestHashBytes), keyBytes);
    this.scratch.set(answer.subarray(answerStart, answerEnd), keyBytes + requestHashBytes);
    const entry = this.allocate();
    this.setNum(entry, F.atMs, atMs);
    this.setInt(entry, I.keyBytes, keyBytes);
    this.setInt(entry, I.next, -1);
    this.setInt(entry, I.text, this.arena.put(TextKind.remembered, entry, this.scratch, 0, bytes) | 0);
    if (this.newest === -1) this.oldest = entry;
    else {
      this.touch(this.newest);
      this.setInt(this.newest, I.next, entry);
    }
    this.newest = entry;
    this.index.add(hashBytes(this.seed, key, 0, keyBytes), entry);
  }

  /** Forgets up to `max` entries that are too old. */
  forget(nowMs: number, max: number): void {
    for (let i = 0; i < max && this.oldest !== -1 && this.atMs(this.oldest) + limits.requestIdKeepMs < nowMs; i++) this.forgetOldest();
  }

  private forgetOldest(): void {
    const entry = this.oldest;
    const text = this.text(entry);
    const at = this.arena.start(text);
    this.index.remove(hashBytes(this.seed, this.arena.memory(text), at, at + this.keyBytes(entry)), entry);
    this.textBytes -= this.arena.length(text);
    this.arena.free(text);
    this.oldest = this.int(entry, I.next);
    if (this.oldest === -1) this.newest = -1;
    this.touch(entry);
    this.setInt(entry, I.text, 0);
    this.release(entry);
  }

  atMs(entry: number): number {
    return this.num(entry, F.atMs);
  }
  text(entry: number): number {
    return this.int(entry, I.text) >>> 0;
  }
  keyBytes(entry: number): number {
    return this.int(entry, I.keyBytes);
  }
  following(entry: number): number {
    return this.int(entry, I.next);
  }
  moveText(entry: number, address: number): void {
    this.touch(entry);
    this.setInt(entry, I.text, address | 0);
  }

  /** After restoring pages and texts. */
  restored(rows: number, oldest: number): void {
    this.finishRestore(rows, (entry) => this.text(entry) === 0);
    this.oldest = oldest;
    for (let entry = oldest; entry !== -1; entry = this.int(entry, I.next)) {
      const text = this.text(entry);
      this.arena.restoreLive(TextKind.remembered, entry, text);
      this.textBytes += this.arena.length(text);
      const at = this.arena.start(text);
      this.index.add(hashBytes(this.seed, this.arena.memory(text), at, at + this.keyBytes(entry)), entry);
      this.newest = entry;
    }
  }

  freeRows(): number {
    return this.countFree((entry) => this.text(entry) === 0);
  }
}
