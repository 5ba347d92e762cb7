import type { Refusal } from "@corvo/protocol";
import { record, revivable, revive } from "./archived.js";
import { answerStatus, archiveAgain, type Command } from "./command.js";
import { job, noSuchJob, wrongState } from "./job-verb.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobState, jobStateNames } from "./tables/job-table.js";

/** Runs a dead job again without giving it new attempts: the next failure ends it again. */
export function requeue(s: State, c: Command): Refusal | undefined {
  const refusal = job.find(s, c);
  if (refusal !== undefined) return refusal;
  const { row, state } = job;
  if (state === 0) return noSuchJob();
  if (row >= 0 || state !== JobState.dead) return wrongState(`job "${job.id}" cannot be requeued from state "${jobStateNames[state]}"`);
  if (!revivable(s)) return archiveAgain;
  const { attempt } = record;
  const queue = revive(s, c);
  const again = s.sequences.get(record.seq);
  s.jobs.touch(again);
  s.jobs.setAttempt(again, attempt);
  s.hash.mix(21, record.seq, attempt);
  s.events.add(EventType.requeued, record.seq, record.createdMs, queue, s.logTimeMs);
  if (s.answering) answerStatus(s.out, "requeued");
  return undefined;
}
