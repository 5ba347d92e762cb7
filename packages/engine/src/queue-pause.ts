import { isRefusal, type Refusal } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { Setting, settledQueue } from "./queue-verb.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";

/** Stops handing out jobs of a queue; everything else goes on. */
export function pauseQueue(s: State, c: Command): Refusal | undefined {
  return pause(s, c, "paused", EventType.queuePaused);
}

/** The same under the name for shutting a queue down. */
export function pause(s: State, c: Command, status: string, event: number): Refusal | undefined {
  const queue = settledQueue(s, c);
  if (isRefusal(queue)) return queue;
  queue.paused = true;
  s.hash.mix(Setting.paused, queue.serial, 1);
  s.queueChanged(event, queue);
  if (s.answering) answerStatus(s.out, status);
  return undefined;
}
