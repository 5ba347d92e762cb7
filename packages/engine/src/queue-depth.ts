import { SetDepthLimitRequestReader } from "@corvo/gen/corvo/v1/queue_fast.js";
import type { EnqueueRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { isRefusal, type Refusal, refuse } from "@corvo/protocol";
import { answerStatus, type Command, textOf } from "./command.js";
import { settledQueue } from "./queue-verb.js";
import type { State } from "./state.js";
import { EntityKind } from "./tables/entities.js";
import { EventType } from "./tables/events.js";
import type { Queue } from "./tables/queues.js";

const reader = new SetDepthLimitRequestReader();
/** Short enough that a queue that drains is filled again, long enough that a client that tries for hours costs little. */
const retryAfterMs = 1000;

/** Caps the jobs of a queue that wait; 0 or less: no cap. What waits already stays. */
export function setDepthLimit(s: State, c: Command): Refusal | undefined {
  const queue = settledQueue(s, c);
  if (isRefusal(queue)) return queue;
  const max = Math.max(0, reader.read(c.buf, c.start, c.end).max);
  const { entities: e } = s;
  let row = e.find(EntityKind.queueDepth, queue.nameBytes, 0, queue.nameBytes.length);
  if (max === 0) {
    if (row !== -1) e.remove(row);
  } else {
    if (row === -1) row = e.add(EntityKind.queueDepth, queue.nameBytes, 0, queue.nameBytes.length, queue.nameBytes, 0, 0);
    e.setNum(row, 0, max);
  }
  limit(s, queue, max);
  s.queueChanged(EventType.queueLimitsChanged, queue);
  if (s.answering) answerStatus(s.out, "ok");
  return undefined;
}

function limit(s: State, queue: Queue, max: number): void {
  if (queue.depthMax !== 0) s.depthLimits--;
  if (max !== 0) s.depthLimits++;
  queue.depthMax = max;
}

/** The queue is destroyed. */
export function forgetDepthLimit(s: State, queue: Queue): void {
  if (queue.depthMax === 0) return;
  s.entities.remove(s.entities.find(EntityKind.queueDepth, queue.nameBytes, 0, queue.nameBytes.length));
  limit(s, queue, 0);
}

/** Jobs that wait for their turn, their time or other jobs. */
export function depthOf(queue: Queue): number {
  return queue.pending + queue.blocked + queue.scheduled + queue.retrying;
}

/**
 * Why this job cannot be added from outside. Ask only when `State.depthLimits` is above 0. A job whose unique key is held adds nothing, and
 * is answered as ever.
 */
export function depthRefusal(s: State, r: EnqueueRequestReader): Refusal | undefined {
  const queue = s.findQueue(r.buf, r.queueStart, r.queueEnd);
  if (queue === undefined || queue.depthMax === 0 || depthOf(queue) < queue.depthMax || keyHeld(s, queue, r)) return undefined;
  return full(queue);
}

/** Jobs that are added all or none: each that adds something takes room from those behind it. */
export class Room {
  private readonly taken = new Map<Queue, number>();
  private readonly keys = new Set<string>();
  private readonly ids = new Set<string>();

  /** Why there is none for this one. `known`: its request id was answered before. */
  refusal(s: State, r: EnqueueRequestReader, known: boolean): Refusal | undefined {
    const queue = s.findQueue(r.buf, r.queueStart, r.queueEnd);
    if (known || queue === undefined || queue.depthMax === 0) return undefined;
    const id = textOf(r.buf, r.requestIdStart, r.requestIdEnd);
    const key = textOf(r.buf, r.uniqueKeyStart, r.uniqueKeyEnd);
    const lock = `${queue.serial} ${key}`;
    if ((id !== "" && this.ids.has(id)) || (key !== "" && (this.keys.has(lock) || keyHeld(s, queue, r)))) return undefined;
    this.ids.add(id);
    this.keys.add(lock);
    const taken = (this.taken.get(queue) ?? 0) + 1;
    this.taken.set(queue, taken);
    return depthOf(queue) + taken <= queue.depthMax ? undefined : full(queue);
  }
}

function keyHeld(s: State, queue: Queue, r: EnqueueRequestReader): boolean {
  if (r.uniqueKeyEnd === r.uniqueKeyStart) return false;
  const lock = s.locks.find(queue.serial, r.buf, r.uniqueKeyStart, r.uniqueKeyEnd);
  return lock !== -1 && s.locks.expiresMs(lock) > s.logTimeMs;
}

function full(queue: Queue): Refusal {
  const message = `queue ${queue.name} is full: ${depthOf(queue)} jobs wait (max ${queue.depthMax})`;
  return refuse("resource_exhausted", "QUEUE_FULL", message, { field: "queue", retryAfterMs });
}

/** After a restore. */
export function depthsRestored(s: State): void {
  const { entities: e } = s;
  s.depthLimits = 0;
  for (let row = e.first(EntityKind.queueDepth); row !== -1; row = e.following(row)) {
    const name = e.keyOf(row);
    const queue = s.findQueue(name, 0, name.length);
    if (queue !== undefined) limit(s, queue, e.num(row, 0));
  }
}
