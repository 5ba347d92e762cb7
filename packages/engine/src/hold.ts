import type { Refusal } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { cannotBe, job } from "./job-verb.js";
import { assign, enter, leave } from "./lists.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobState } from "./tables/job-table.js";

/** Keeps a pending, active, scheduled or retrying job from running until it is approved or rejected. */
export function hold(s: State, c: Command): Refusal | undefined {
  const refusal = job.find(s, c);
  if (refusal !== undefined) return refusal;
  const { row } = job;
  if (row < 0 || job.state === JobState.held) return cannotBe("held");
  const queue = leave(s, row);
  s.jobs.setDueMs(row, 0);
  assign(s, row, 0);
  enter(s, row, queue, JobState.held);
  s.events.add(EventType.held, s.jobs.seq(row), s.jobs.createdMs(row), queue, s.logTimeMs);
  if (s.answering) answerStatus(s.out, "held");
  return undefined;
}
