import { isRefusal, type Refusal } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { knownQueue, Setting } from "./queue-verb.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";

/** Hands out jobs of a queue again. A queue that does not exist is not made by this. */
export function resumeQueue(s: State, c: Command): Refusal | undefined {
  const queue = knownQueue(s, c);
  if (isRefusal(queue)) return queue;
  if (queue !== undefined) {
    queue.paused = false;
    s.hash.mix(Setting.paused, queue.serial, 0);
    if (queue.pending > 0) s.wake(queue);
    s.queueChanged(EventType.queueResumed, queue);
  }
  if (s.answering) answerStatus(s.out, "resumed");
  return undefined;
}
