import type { Refusal } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { finish } from "./finish.js";
import { job, noSuchJob, wrongState } from "./job-verb.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobState, jobStateNames } from "./tables/job-table.js";

/** Ends a pending, active, scheduled or retrying job. An active one is ended at once; its worker learns of it by its next heartbeat. */
export function cancel(s: State, c: Command): Refusal | undefined {
  const refusal = job.find(s, c);
  if (refusal !== undefined) return refusal;
  const { row, state } = job;
  if (state === 0) return noSuchJob();
  if (row < 0 || state === JobState.held) return wrongState(`job "${job.id}" cannot be cancelled from state "${jobStateNames[state]}"`);
  const seq = s.jobs.seq(row);
  const createdMs = s.jobs.createdMs(row);
  s.events.add(EventType.cancelled, seq, createdMs, finish(s, row, JobState.cancelled, undefined), s.logTimeMs);
  if (s.answering) answerStatus(s.out, state === JobState.active ? "cancelling" : "cancelled");
  return undefined;
}
