import type { Random } from "@corvo/protocol";

/** A small seeded generator (splitmix32). */
export class SeededRandom implements Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0 to 2^32 − 1. */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state ^ (this.#state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }
  below(limit: number): number {
    return this.next() % limit;
  }
  chance(probability: number): boolean {
    return this.next() / 2 ** 32 < probability;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }
  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.next() & 255;
  }
}
