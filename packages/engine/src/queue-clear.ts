import { isRefusal, type Refusal } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { knownQueue, Setting } from "./queue-verb.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobState } from "./tables/job-table.js";
import { blockedList, listOf, priorities } from "./tables/queues.js";

/**
 * Deletes the pending and scheduled jobs of a queue. Their unique keys stay held. Takes the same short time for any number of jobs: the
 * lists are unhooked and swept later (see `garbage.ts`).
 */
export function clearQueue(s: State, c: Command): Refusal | undefined {
  const queue = knownQueue(s, c);
  if (isRefusal(queue)) return queue;
  if (queue !== undefined) {
    for (let priority = 0; priority < priorities; priority++) s.garbage.unhook(queue, priority);
    s.garbage.unhook(queue, listOf(JobState.scheduled, 0, 0));
    s.garbage.unhook(queue, blockedList);
    queue.epoch++;
    s.queueChanged(EventType.queueCleared, queue);
    s.feed?.cleared(queue);
    s.hash.mix(Setting.cleared, queue.serial, queue.epoch);
  }
  if (s.answering) answerStatus(s.out, "cleared");
  return undefined;
}
