import type { Refusal } from "@corvo/protocol";
import { record, voidRecord } from "./archived.js";
import { answerStatus, type Command } from "./command.js";
import { ended } from "./ended.js";
import { forget } from "./finish.js";
import { job, noSuchJob } from "./job-verb.js";
import { leave } from "./lists.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";

/** Deletes a job in any state. Its unique key stays held. That it was deleted is known until the archive segment of that time is dropped. */
export function deleteJob(s: State, c: Command): Refusal | undefined {
  const refusal = job.find(s, c);
  if (refusal !== undefined) return refusal;
  const { row, state } = job;
  if (state === 0) return noSuchJob();
  if (row < 0) {
    const queue = voidRecord(s, c);
    s.deleted.add(record.seq, s.archive.next.segment);
    s.feed?.deleted(record.seq);
    s.events.add(EventType.deleted, record.seq, record.createdMs, queue, s.logTimeMs);
  } else {
    const seq = s.jobs.seq(row);
    if (s.level >= 2) ended(s, row, 0, undefined);
    s.events.add(EventType.deleted, seq, s.jobs.createdMs(row), leave(s, row), s.logTimeMs);
    s.deleted.add(seq, s.archive.next.segment);
    s.feed?.deleted(seq);
    s.hash.mix(19, seq, state);
    forget(s, row);
  }
  if (s.answering) answerStatus(s.out, "deleted");
  return undefined;
}
