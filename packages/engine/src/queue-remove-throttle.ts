import { isRefusal, type Refusal } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { knownQueue, Setting } from "./queue-verb.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";

/** Removes the cap on fetches, and what was recorded for it. */
export function removeThrottle(s: State, c: Command): Refusal | undefined {
  const queue = knownQueue(s, c);
  if (isRefusal(queue)) return queue;
  if (queue !== undefined) {
    queue.throttle = undefined;
    s.hash.mix(Setting.throttle, queue.serial, 0);
    if (queue.pending > 0) s.wake(queue);
    s.queueChanged(EventType.queueLimitsChanged, queue);
  }
  if (s.answering) answerStatus(s.out, "ok");
  return undefined;
}
