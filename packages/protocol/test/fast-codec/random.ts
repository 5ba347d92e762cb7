/** A small seeded generator (mulberry32), so that a failure can be run again. */
export class Dice {
  private state: number;
  constructor(readonly seed: number) {
    this.state = seed >>> 0;
  }
  /** A whole number from 0 to below `n`. */
  below(n: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * n);
  }
  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)];
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  bytes(n: number): number[] {
    return Array.from({ length: n }, () => this.below(256));
  }
}

/** CORVO_SEED, or another one each time. */
export function seedOf(): number {
  return Number(process.env.CORVO_SEED ?? Date.now() % 1_000_000_000);
}
