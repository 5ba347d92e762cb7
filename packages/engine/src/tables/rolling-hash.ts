import { hashesKept } from "../limits.js";

/**
 * Two 32-bit lanes that every change of a row or a queue is mixed into. Equal logs give equal hashes; a replica whose state took
 * another way differs from there on. It is a check against faults, not against somebody who wants two states to look the same.
 */
export class RollingHash {
  low = 0x243f6a88;
  high = 0x85a308d3;
  private readonly indexes = new Float64Array(hashesKept);
  private readonly lows = new Uint32Array(hashesKept);
  private readonly highs = new Uint32Array(hashesKept);

  /** Mixes in one change: what, of which job or queue, and a number that belongs to it. Numbers are integers up to 2^53. */
  mix(what: number, which: number, value: number): void {
    let a = Math.imul(this.low ^ (which >>> 0), 0x9e3779b1) + what;
    a = Math.imul((a << 13) | (a >>> 19), 0x85ebca6b);
    let b = Math.imul(this.high ^ (value >>> 0), 0xc2b2ae35) + ((which / 4294967296) >>> 0) + ((value / 4294967296) >>> 0);
    b = Math.imul((b << 17) | (b >>> 15), 0x27d4eb2f);
    this.low = (a ^ (b >>> 15)) >>> 0;
    this.high = (b ^ (a >>> 13)) >>> 0;
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
