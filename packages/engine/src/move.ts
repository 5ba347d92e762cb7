import { MoveJobRequestReader } from "@corvo/gen/corvo/v1/job_fast.js";
import { limits, type Refusal, refuse } from "@corvo/protocol";
import { rearchive, record } from "./archived.js";
import { keepHold } from "./budgets.js";
import { answerStatus, type Command } from "./command.js";
import { tooManyQueues } from "./enqueue.js";
import { job, noSuchJob } from "./job-verb.js";
import { enter, leave } from "./lists.js";
import type { State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobFlag } from "./tables/job-table.js";

const reader = new MoveJobRequestReader();

/** Moves a job to the tail of another queue. State, lease, times and unique key stay. */
export function move(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.queueEnd === r.queueStart) return refuse("invalid_argument", "REQUIRED", "queue is required", { field: "queue" });
  if (r.queueEnd - r.queueStart > limits.queueNameBytesMax) {
    return refuse("invalid_argument", "TOO_LARGE", `queue is longer than ${limits.queueNameBytesMax} bytes`, { field: "queue" });
  }
  const refusal = job.find(s, c);
  if (refusal !== undefined) return refusal;
  const { row, state } = job;
  if (state === 0) return noSuchJob();
  const target = s.queueOf(c.buf, r.queueStart, r.queueEnd);
  if (target === undefined) return tooManyQueues();
  if (row < 0) {
    rearchive(s, c, target);
    s.events.add(EventType.moved, record.seq, record.createdMs, target, s.logTimeMs);
  } else {
    const overBudget = (s.jobs.flags(row) & JobFlag.overBudget) !== 0;
    leave(s, row);
    enter(s, row, target, state);
    if (overBudget) keepHold(s, row);
    s.events.add(EventType.moved, s.jobs.seq(row), s.jobs.createdMs(row), target, s.logTimeMs);
  }
  if (s.answering) answerStatus(s.out, "moved");
  return undefined;
}
