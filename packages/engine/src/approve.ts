import type { Refusal } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { changeDocument, edit } from "./document.js";
import { cannotBe, job } from "./job-verb.js";
import { makePending } from "./lists.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobFlag, JobState } from "./tables/job-table.js";

/** Lets a held job run. One that a budget holds runs once in spite of it. */
export function approve(s: State, c: Command): Refusal | undefined {
  const refusal = job.find(s, c);
  if (refusal !== undefined) return refusal;
  const { row } = job;
  if (row < 0 || job.state !== JobState.held) return cannotBe("approved");
  clearHold(s, row);
  const flags = s.jobs.flags(row);
  if ((flags & JobFlag.overBudget) !== 0) s.jobs.setFlags(row, flags | JobFlag.overruled);
  s.events.add(EventType.approved, s.jobs.seq(row), s.jobs.createdMs(row), makePending(s, row), s.logTimeMs);
  if (s.answering) answerStatus(s.out, "pending");
  return undefined;
}

function clearHold(s: State, row: number): void {
  if (s.jobs.document(row) === 0) return;
  const change = edit.clear(s.out.buf);
  change.clearHold = true;
  s.jobs.touch(row);
  changeDocument(s, row, change);
}
