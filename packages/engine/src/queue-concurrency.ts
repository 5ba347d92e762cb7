import { SetConcurrencyRequestReader } from "@corvo/gen/corvo/v1/queue_fast.js";
import { isRefusal, type Refusal } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { Setting, settledQueue } from "./queue-verb.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";

const reader = new SetConcurrencyRequestReader();

/** Caps the jobs of a queue that are active at the same time; 0 or less: no cap. Jobs that are active stay so. */
export function setConcurrency(s: State, c: Command): Refusal | undefined {
  const queue = settledQueue(s, c);
  if (isRefusal(queue)) return queue;
  queue.concurrencyMax = Math.max(0, reader.read(c.buf, c.start, c.end).max);
  s.hash.mix(Setting.concurrency, queue.serial, queue.concurrencyMax);
  if (queue.pending > 0) s.wake(queue);
  s.queueChanged(EventType.queueLimitsChanged, queue);
  if (s.answering) answerStatus(s.out, "ok");
  return undefined;
}
