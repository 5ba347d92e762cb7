import { type ObjectReader, ObjectType, type ObjectWriter } from "./snapshot-format.js";
import type { State } from "./state.js";
import type { EventExtra, EventQueue, EventsCopy, EventWorker } from "./tables/events.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const nothing = new Uint8Array(0);

/** Events in one object of the snapshot: written in under a millisecond. */
export const eventsPerObject = 1024;

/** Some events, from the i-th of the copy on. Names come once per object. */
export function writeEvents(w: ObjectWriter, events: EventsCopy, from: number): void {
  const to = Math.min(events.count, from + eventsPerObject);
  const queues = new Table(events.queues, from, to);
  const workers = new Table(events.workers, from, to);
  const actors = new Table<string>(events.actors, from, to);
  w.begin(ObjectType.events);
  w.f64(events.firstSeq + from);
  w.u32(to - from);
  w.u32(queues.values.length);
  for (const queue of queues.values) w.raw(encoder.encode(queue.name));
  w.u32(workers.values.length);
  for (const worker of workers.values) {
    w.raw(worker.name);
    w.u32(worker.idBytes);
  }
  w.u32(actors.values.length);
  for (const actor of actors.values) w.raw(encoder.encode(actor));
  for (let i = from; i < to; i++) {
    w.u32(events.types[i]);
    w.f64(events.jobs[i]);
    w.f64(events.created[i]);
    w.f64(events.times[i]);
    w.f64(events.indexes[i]);
    w.u32(events.attempts[i]);
    w.u32(queues.numberOf(events.queues[i]));
    w.u32(workers.numberOf(events.workers[i]));
    w.u32(actors.numberOf(events.actors[i] || undefined));
    w.raw(events.extras[i]?.data ?? nothing);
    w.raw(events.extras[i]?.reason ?? nothing);
  }
  w.end();
}

/** Different values, numbered from 1; 0: none. */
class Table<T> {
  readonly values: T[] = [];
  private readonly numbers = new Map<T, number>();
  constructor(all: readonly (T | undefined)[], from: number, to: number) {
    for (let i = from; i < to; i++) {
      const value = all[i];
      if (value === undefined || value === "" || this.numbers.has(value)) continue;
      this.values.push(value);
      this.numbers.set(value, this.values.length);
    }
  }
  numberOf(value: T | undefined): number {
    return value === undefined ? 0 : this.numbers.get(value)!;
  }
}

/** Puts the events of one object into the ring. Queues come before them. */
export function readEvents(s: State, r: ObjectReader): void {
  const firstSeq = r.f64();
  const count = r.u32();
  const queues: EventQueue[] = [];
  for (let left = r.u32(); left > 0; left--) {
    const name = decoder.decode(r.raw());
    queues.push(s.queues.byName.get(name) ?? { name });
  }
  const workers: EventWorker[] = [];
  for (let left = r.u32(); left > 0; left--) workers.push({ name: r.raw(), idBytes: r.u32() });
  const actors: string[] = [];
  for (let left = r.u32(); left > 0; left--) actors.push(decoder.decode(r.raw()));
  for (let i = 0; i < count; i++) {
    const type = r.u32();
    const jobSeq = r.f64();
    const jobCreatedMs = r.f64();
    const atMs = r.f64();
    const index = r.f64();
    const attempt = r.u32();
    const queue = queues[r.u32() - 1];
    const worker = workers[r.u32() - 1];
    const actor = actors[r.u32() - 1] ?? "";
    const data = r.raw();
    const reason = r.raw();
    const extra: EventExtra | undefined = data.length + reason.length > 0 ? { data, reason } : undefined;
    s.events.restore({ seq: firstSeq + i, index, type, jobSeq, jobCreatedMs, queue, atMs, attempt, worker, actor, extra });
  }
}
