import { isRefusal, type Refusal } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { forgetDepthLimit } from "./queue-depth.js";
import { knownQueue, Setting } from "./queue-verb.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";
import { listsPerQueue } from "./tables/queues.js";

/**
 * Deletes a queue with every job in every state, its settings and its unique keys. Live jobs are swept later; finished ones are void
 * because a queue of the same name is younger than their place in the archive.
 */
export function destroyQueue(s: State, c: Command): Refusal | undefined {
  const queue = knownQueue(s, c);
  if (isRefusal(queue)) return queue;
  if (queue !== undefined) {
    for (let list = 0; list < listsPerQueue; list++) s.garbage.unhook(queue, list);
    forgetDepthLimit(s, queue);
    s.queues.destroy(queue);
    s.queueChanged(EventType.queueDeleted, queue);
    s.feed?.destroyed(queue);
    s.garbage.dying.push({ queue, after: s.garbage.unhooked });
    s.hash.mix(Setting.destroyed, queue.serial, 0);
  }
  if (s.answering) answerStatus(s.out, "deleted");
  return undefined;
}
