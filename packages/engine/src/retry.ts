import type { Refusal } from "@corvo/protocol";
import { isFinished, record, revivable, revive } from "./archived.js";
import { answerStatus, archiveAgain, type Command } from "./command.js";
import { changeDocument, edit } from "./document.js";
import { factsOf, JobFacts } from "./job-facts.js";
import { job, noSuchJob, wrongState } from "./job-verb.js";
import { makePending } from "./lists.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobState, jobStateNames } from "./tables/job-table.js";

const facts = new JobFacts();
const nothing = new Uint8Array(0);

/** All attempts are before it: none counts. */
function forgetAttempts(s: State, row: number): void {
  if (s.jobs.document(row) === 0 || factsOf(s, row, facts).attemptsBefore === 0) return;
  facts.attemptsBefore = 0;
  const change = edit.clear(nothing);
  change.facts = facts;
  changeDocument(s, row, change);
}

/** Runs a dead, cancelled, completed or scheduled job (again): pending, attempt 0. */
export function retry(s: State, c: Command): Refusal | undefined {
  const refusal = job.find(s, c);
  if (refusal !== undefined) return refusal;
  const { row, state } = job;
  if (state === 0) return noSuchJob();
  if (row < 0 && isFinished(state)) {
    if (!revivable(s)) return archiveAgain;
    const queue = revive(s, c);
    s.events.add(EventType.retried, record.seq, record.createdMs, queue, s.logTimeMs);
  } else if (state === JobState.scheduled) {
    s.jobs.touch(row);
    s.jobs.setAttempt(row, 0);
    s.jobs.setFailedMs(row, 0);
    forgetAttempts(s, row);
    s.events.add(EventType.retried, s.jobs.seq(row), s.jobs.createdMs(row), makePending(s, row), s.logTimeMs);
  } else return wrongState(`job "${job.id}" cannot be retried from state "${jobStateNames[state]}"`);
  if (s.answering) answerStatus(s.out, "retried");
  return undefined;
}
