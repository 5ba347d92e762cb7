import type { EventLog, EventQueue } from "@corvo/engine";
import type { EventFilter } from "./filter.js";

export interface QuietReader {
  readonly filter: EventFilter;
}

/**
 * Readers of some queues that have been given all there is for them. They cost nothing until an event of one of their queues comes: new
 * events are looked at once for all of them, by queue.
 */
export class QuietReaders<R extends QuietReader> {
  /** Events up to this one were looked at, for all of them. */
  looked = 0;
  private readonly byQueue = new Map<string, Set<R>>();
  private readonly all = new Set<R>();

  constructor(private readonly events: EventLog) {}

  static fits({ filter }: QuietReader): boolean {
    return filter.queues !== undefined && filter.view === undefined;
  }

  /** `after`: what the reader has seen; not before `looked` unless it is the first one. */
  add(reader: R, after: number): void {
    if (this.all.size === 0) this.looked = after;
    this.all.add(reader);
    for (const queue of reader.filter.queues!) {
      const readers = this.byQueue.get(queue);
      if (readers === undefined) this.byQueue.set(queue, new Set([reader]));
      else readers.add(reader);
    }
  }

  delete(reader: R): void {
    if (!this.all.delete(reader)) return;
    for (const queue of reader.filter.queues!) {
      const readers = this.byQueue.get(queue);
      readers?.delete(reader);
      if (readers?.size === 0) this.byQueue.delete(queue);
    }
  }

  /** Looks at the new events, 40 ns each. Who has something to read now is told to `wake`, with what it has seen, and is no more among these. */
  look(wake: (reader: R, seen: number) => void): void {
    const { events } = this;
    if (this.all.size === 0) return;
    if (this.looked + 1 < events.firstSeq) {
      // The ring has moved on over events that nobody looked at.
      for (const reader of [...this.all]) this.wakeOne(reader, wake);
      return;
    }
    const last = events.lastSeq;
    let before: EventQueue | undefined;
    for (let seq = this.looked + 1; seq <= last; seq++) {
      const queue = events.queueAt(events.slot(seq));
      if (queue === undefined || queue === before) continue;
      before = queue;
      const readers = this.byQueue.get(queue.name);
      this.looked = seq - 1;
      if (readers !== undefined) for (const reader of [...readers]) this.wakeOne(reader, wake);
    }
    this.looked = last;
  }

  private wakeOne(reader: R, wake: (reader: R, seen: number) => void): void {
    this.delete(reader);
    wake(reader, this.looked);
  }
}
