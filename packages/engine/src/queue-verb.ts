import { PauseQueueRequestReader } from "@corvo/gen/corvo/v1/queue_fast.js";
import { limits, type Refusal, refuse } from "@corvo/protocol";
import type { Command } from "./command.js";
import { tooManyQueues } from "./enqueue.js";
import type { State } from "./state.js";
import type { Queue } from "./tables/queues.js";

/** All requests that name one queue have its name in field 1. */
const reader = new PauseQueueRequestReader();

/** The queue that a command names, made if it is new. */
export function settledQueue(s: State, c: Command): Queue | Refusal {
  const refusal = readName(c);
  if (refusal !== undefined) return refusal;
  const queue = s.queueOf(c.buf, reader.nameStart, reader.nameEnd);
  if (queue === undefined) return tooManyQueues();
  s.touchQueue(queue);
  return queue;
}

/** The queue that a command names, if there is one. */
export function knownQueue(s: State, c: Command): Queue | Refusal | undefined {
  const refusal = readName(c);
  if (refusal !== undefined) return refusal;
  const queue = s.findQueue(c.buf, reader.nameStart, reader.nameEnd);
  if (queue !== undefined) s.touchQueue(queue);
  return queue;
}

function readName(c: Command): Refusal | undefined {
  reader.read(c.buf, c.start, c.end);
  if (reader.nameEnd === reader.nameStart) return refuse("invalid_argument", "REQUIRED", "name is required", { field: "name" });
  if (reader.nameEnd - reader.nameStart > limits.queueNameBytesMax) {
    return refuse("invalid_argument", "TOO_LARGE", `name is longer than ${limits.queueNameBytesMax} bytes`, { field: "name" });
  }
  return undefined;
}

/** Numbers that stand for settings in the state hash. */
export const Setting = { paused: 65, concurrency: 66, throttle: 67, cleared: 68, destroyed: 69 } as const;
