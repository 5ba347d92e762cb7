import type { Clock } from "@corvo/protocol";

/** One sleeping fetch. Its `wake` is called at most once: by a job, by its deadline, or not at all after `cancel`. */
export interface Sleeper {
  /** True: it was asleep, and will not be woken. */
  cancel(): boolean;
}

interface Entry {
  lines: Line[];
  wake: (byDeadline: boolean) => void;
  cancelTimer: () => void;
  done: boolean;
}

/** Those who sleep on one queue, oldest first. Invariant: `live` entries are not done; the done ones are never the larger part for long. */
interface Line {
  queue: string;
  entries: Entry[];
  live: number;
}

/**
 * Long polls asleep by queue, first come first served. They are woken by the event that a queue may have something to grant;
 * nothing polls. Every operation costs O(queues of the sleeper), amortised.
 */
export class Waiters {
  private readonly lines = new Map<string, Line>();
  private asleep = 0;
  constructor(private readonly clock: Clock) {}

  get size(): number {
    return this.asleep;
  }

  sleep(queues: readonly string[], waitMs: number, wake: (byDeadline: boolean) => void): Sleeper {
    const entry: Entry = { lines: [], wake, cancelTimer: () => {}, done: false };
    entry.cancelTimer = this.clock.after(waitMs, () => this.finish(entry, true));
    this.asleep++;
    for (const queue of new Set(queues)) {
      let line = this.lines.get(queue);
      if (!line) this.lines.set(queue, (line = { queue, entries: [], live: 0 }));
      line.entries.push(entry);
      line.live++;
      entry.lines.push(line);
    }
    return { cancel: () => this.drop(entry) };
  }

  /** Somebody sleeps on this queue. */
  has(queue: string): boolean {
    return this.lines.has(queue);
  }

  /** Queues that somebody sleeps on. */
  queues(): string[] {
    return [...this.lines.keys()];
  }

  /** Wakes up to `count` sleepers of a queue, oldest first. */
  wake(queue: string, count: number): void {
    const line = this.lines.get(queue);
    if (!line) return;
    const chosen: Entry[] = [];
    for (const entry of line.entries) {
      if (chosen.length >= count) break;
      if (!entry.done) chosen.push(entry);
    }
    for (const entry of chosen) this.finish(entry, false);
  }

  wakeAll(): void {
    for (const queue of this.queues()) this.wake(queue, Number.POSITIVE_INFINITY);
  }

  private finish(entry: Entry, byDeadline: boolean): void {
    if (entry.done) return;
    this.drop(entry);
    entry.wake(byDeadline);
  }

  private drop(entry: Entry): boolean {
    if (entry.done) return false;
    entry.done = true;
    this.asleep--;
    entry.cancelTimer();
    for (const line of entry.lines) {
      line.live--;
      if (line.live === 0) this.lines.delete(line.queue);
      else if (line.live * 2 < line.entries.length) line.entries = line.entries.filter((e) => !e.done);
    }
    return true;
  }
}
