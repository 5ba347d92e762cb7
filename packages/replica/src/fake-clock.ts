import type { Clock } from "@corvo/protocol";

/** A clock that stands until it is moved: for tests. Wall and monotonic time move together. */
export class FakeClock implements Clock {
  private ms: number;
  private timers: { atMs: number; run: () => void }[] = [];
  private turn: (() => void)[] = [];

  constructor(startMs = 1_000_000) {
    this.ms = startMs;
  }
  nowMs(): number {
    return this.ms;
  }
  monotonicMs(): number {
    return this.ms;
  }
  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.ms + delayMs, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((t) => t !== timer);
    };
  }
  soon(run: () => void): void {
    this.turn.push(run);
  }
  /** Timers that are set. */
  get pending(): number {
    return this.timers.length;
  }
  /** Lets time pass; timers fire in order, each at its moment. */
  advance(ms: number): void {
    const untilMs = this.ms + ms;
    for (;;) {
      const next = this.timers.filter((t) => t.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!next) break;
      this.timers = this.timers.filter((t) => t !== next);
      this.ms = Math.max(this.ms, next.atMs);
      next.run();
    }
    this.ms = untilMs;
  }
}
