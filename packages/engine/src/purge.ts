import { PurgeCommandReader } from "@corvo/gen/corvo/internal/v1/log_fast.js";
import type { Command } from "./command.js";
import { forgetRelations } from "./relations.js";
import type { State } from "./state.js";
import type { FinishedCounts } from "./tables/archive.js";
import { EventType } from "./tables/events.js";
import type { Queue } from "./tables/queues.js";

const reader = new PurgeCommandReader();
const encoder = new TextEncoder();

/** Lets go of finished jobs that ended before a time: whole archive segments, oldest first, whose newest end was before it. */
export function purge(s: State, c: Command): void {
  const { endedBeforeMs, tells } = reader.read(c.buf, c.start, c.end);
  const gone: FinishedCounts = { completed: 0, dead: 0, cancelled: 0 };
  if (s.level >= 2) forgetRelations(s, endedBeforeMs);
  const queueOf = (serial: number): Queue | undefined => {
    const queue = s.queues.bySerial.get(serial);
    if (queue !== undefined) s.touchQueue(queue);
    return queue;
  };
  const last = s.archive.purge(endedBeforeMs, queueOf, gone);
  if (last === 0) return;
  s.feed?.purged(last);
  s.marks.dropThrough(last);
  s.deleted.dropThrough(last);
  s.hash.mix(97, last, s.archive.next.segment);
  if (tells) tell(s, endedBeforeMs, gone);
}

/** One event for all of them: there may be millions. */
function tell(s: State, endedBeforeMs: number, gone: FinishedCounts): void {
  const jobs = gone.completed + gone.dead + gone.cancelled;
  if (jobs === 0) return;
  s.events.add(EventType.purged, 0, 0, undefined, s.logTimeMs);
  s.events.attach(encoder.encode(JSON.stringify({ jobs, ...gone, ended_before_ms: endedBeforeMs })));
}
