import { SetDepthLimitRequestReader } from "@corvo/gen/corvo/v1/queue_fast.js";
import { isRefusal, type Refusal, refuse } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
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
  return queue.pending + queue.scheduled + queue.retrying;
}

/** Why so many jobs more cannot be added to a queue from outside. Ask only when `State.depthLimits` is above 0. */
export function depthRefusal(s: State, buf: Uint8Array, start: number, end: number, more = 1): Refusal | undefined {
  const queue = s.findQueue(buf, start, end);
  if (queue === undefined || queue.depthMax === 0 || depthOf(queue) + more <= queue.depthMax) return undefined;
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
