import { PurgeCommandReader } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import type { Command } from "./command.js";
import { forgetRelations } from "./relations.js";
import type { State } from "./state.js";

const reader = new PurgeCommandReader();

/** Lets go of finished jobs that ended before a time: whole archive segments, oldest first, whose newest end was before it. */
export function purge(s: State, c: Command): void {
  const { endedBeforeMs } = reader.read(c.buf, c.start, c.end);
  if (s.level >= 2) forgetRelations(s, endedBeforeMs);
  const last = s.archive.purge(endedBeforeMs, (serial) => {
    const queue = s.queues.bySerial.get(serial);
    if (queue !== undefined) s.touchQueue(queue);
    return queue;
  });
  if (last === 0) return;
  s.feed?.purged(last);
  s.marks.dropThrough(last);
  s.deleted.dropThrough(last);
  s.hash.mix(97, last, s.archive.next.segment);
}
