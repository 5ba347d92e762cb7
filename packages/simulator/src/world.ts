import type { Clock, Random } from "@corvo/protocol";
import { Rng } from "./random.js";

interface Event {
  atMs: number;
  seq: number;
  run: () => void;
  cancelled: boolean;
}

/**
 * A made-up world: one queue of events ordered by (time, sequence), one seed, one thread. Everything that waits, waits here, so the
 * same seed gives the same run. Time stands still while an event and all the promises that it settles are run.
 */
export class World {
  readonly rng: Rng;
  readonly clock: Clock;
  readonly random: Random;
  /** What the nodes' wall clocks show beside the true time. */
  wallOffsetMs: number;
  #nowMs = 0;
  #seq = 0;
  /** A binary heap; the next event is at 0. */
  readonly #events: Event[] = [];
  /** Set by `cut`: whatever was planned before it belongs to a process that is gone. */
  #lives = 0;

  constructor(
    readonly seed: number,
    startMs: number,
  ) {
    this.rng = new Rng(seed);
    this.wallOffsetMs = startMs;
    this.random = { fill: (bytes) => this.rng.fill(bytes) };
    this.clock = {
      nowMs: () => Math.floor(this.#nowMs + this.wallOffsetMs),
      monotonicMs: () => this.#nowMs,
      after: (delayMs, run) => this.after(delayMs, run),
      soon: (run) => void this.after(0, run),
    };
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Plans for the life that runs now: after a `cut` it will not happen. */
  after(delayMs: number, run: () => void): () => void {
    const life = this.#lives;
    return this.plan(delayMs, () => life === this.#lives && run());
  }

  /** Plans for the world itself, beyond any `cut`. */
  plan(delayMs: number, run: () => void): () => void {
    const event = { atMs: this.#nowMs + Math.max(0, delayMs), seq: this.#seq++, run, cancelled: false };
    this.#push(event);
    return () => {
      event.cancelled = true;
    };
  }

  /** Resolves after so much time; never, for a life that is cut before. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  /** The process dies: nothing that it waited for comes any more. */
  cut(): void {
    this.#lives++;
  }

  /** Runs events until `until` holds. False: nothing is left to happen, or `limitMs` of simulated time passed. */
  async run(until: () => boolean, limitMs = Infinity): Promise<boolean> {
    const endMs = this.#nowMs + limitMs;
    await settle();
    while (!until()) {
      const event = this.#pop();
      if (!event) return false;
      if (event.atMs > endMs) {
        this.#push(event);
        this.#nowMs = endMs;
        return false;
      }
      if (event.cancelled) continue;
      this.#nowMs = Math.max(this.#nowMs, event.atMs);
      event.run();
      await settle();
    }
    return true;
  }

  /** Runs the world until the promise settles, and gives its value. */
  async await<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    if (!(await this.run(() => settled, limitMs))) throw new Error(`nothing happens any more, or ${limitMs} ms passed, and the promise is open`);
    return promise;
  }

  #push(event: Event): void {
    const heap = this.#events;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#events;
    const first = heap[0];
    const last = heap.pop();
    if (!last || last === first) return last;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function before(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.seq < b.seq);
}

/** One turn of the real event loop: by then every promise that could settle without the world's help has. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
