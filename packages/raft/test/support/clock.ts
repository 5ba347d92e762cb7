import type { Clock } from "@corvo/protocol";

interface Timer {
  dueMs: number;
  order: number;
  run: () => void;
  cancelled: boolean;
}

/** Time that moves when it is told to: events by (due time, order of asking), and everything that promises do in between. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  #timers: Timer[] = [];

  nowMs(): number {
    return Math.floor(this.#nowMs);
  }
  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer: Timer = { dueMs: this.#nowMs + delayMs, order: this.#order++, run, cancelled: false };
    let low = 0;
    for (let high = this.#timers.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.#timers[middle].dueMs <= timer.dueMs) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return () => {
      timer.cancelled = true;
    };
  }
  soon(run: () => void): void {
    this.after(0, run);
  }

  /** Runs what falls due in the next `ms`. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settled();
    while (this.#timers.length > 0 && this.#timers[0].dueMs <= endMs) {
      const timer = this.#timers.shift() as Timer;
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      if (timer.cancelled) continue;
      timer.run();
      await settled();
    }
    this.#nowMs = endMs;
  }

  /** Advances by steps of 1 ms until it holds. */
  async until(holds: () => boolean, limitMs = 60_000): Promise<void> {
    for (let ms = 0; !holds(); ms++) {
      if (ms >= limitMs) throw new Error(`it did not come about in ${limitMs} virtual ms`);
      await this.advance(1);
    }
  }
}

/** When all microtasks have run. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
