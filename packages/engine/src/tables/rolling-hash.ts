import { hashesKept } from "../limits.js";

/** Times this, a number gives its upper 32 bits. */
const upper = 2 ** -32;

/**
 * Two 32-bit lanes that every change of a row or a queue is mixed into. Equal logs give equal hashes; a replica whose state took
 * another way differs from there on. It is a check against faults, not against somebody who wants two states to look the same.
 */
export class RollingHash {
  /** Signed, so that they stay small integers. */
  private a = 0x243f6a88;
  private b = 0x85a308d3 | 0;
  private readonly indexes = new Float64Array(hashesKept);
  private readonly lows = new Uint32Array(hashesKept);
  private readonly highs = new Uint32Array(hashesKept);

  get low(): number {
    return this.a >>> 0;
  }
  get high(): number {
    return this.b >>> 0;
  }
  restore(low: number, high: number): void {
    this.a = low | 0;
    this.b = high | 0;
  }

  /** Mixes in one change: what, of which job or queue, and a number that belongs to it. Numbers are integers up to 2^53. */
  mix(what: number, which: number, value: number): void {
    let a = Math.imul(this.a ^ (which >>> 0), 0x9e3779b1) + what;
    a = Math.imul((a << 13) | (a >>> 19), 0x85ebca6b);
    let b = Math.imul(this.b ^ (value >>> 0), 0xc2b2ae35) + ((which * upper) >>> 0) + ((value * upper) >>> 0);
    b = Math.imul((b << 17) | (b >>> 15), 0x27d4eb2f);
    this.a = a ^ (b >>> 15);
    this.b = b ^ (a >>> 13);
  }

  /** The hash after this index, for later comparison. */
  keep(index: number): void {
    const at = index % hashesKept;
    this.indexes[at] = index;
    this.lows[at] = this.low;
    this.highs[at] = this.high;
  }

  /** False: this index had another hash. An index that is no longer (or not yet) known differs from nothing. */
  agrees(index: number, low: number, high: number): boolean {
    const at = index % hashesKept;
    return this.indexes[at] !== index || (this.lows[at] === low && this.highs[at] === high);
  }
}
