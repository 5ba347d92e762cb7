import type { Refusal } from "@corvo/protocol";
import { answerStatus, type Command } from "./command.js";
import { edit } from "./document.js";
import { finish } from "./finish.js";
import { cannotBe, job } from "./job-verb.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobState } from "./tables/job-table.js";

/** Ends a held job as dead. */
export function reject(s: State, c: Command): Refusal | undefined {
  const refusal = job.find(s, c);
  if (refusal !== undefined) return refusal;
  const { row } = job;
  if (row < 0 || job.state !== JobState.held) return cannotBe("rejected");
  const seq = s.jobs.seq(row);
  const createdMs = s.jobs.createdMs(row);
  const change = edit.clear(c.buf);
  change.clearHold = true;
  s.jobs.touch(row);
  s.jobs.setFailedMs(row, s.logTimeMs);
  const queue = finish(s, row, JobState.dead, change);
  s.events.add(EventType.rejected, seq, createdMs, queue, s.logTimeMs);
  if (s.level >= 2) s.events.add(EventType.dead, seq, createdMs, queue, s.logTimeMs);
  if (s.answering) answerStatus(s.out, "dead");
  return undefined;
}
