import { ReleaseRequestReader } from "@corvo/gen/corvo/v1/worker_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { type Command, textOf } from "./command.js";
import { changeDocument, edit } from "./document.js";
import { staleFence } from "./lease.js";
import { assign, enterFirst, leave } from "./lists.js";
import { notFound, type State } from "./state.js";
import { EventType } from "./tables/events.js";
import { JobState } from "./tables/job-table.js";

const reader = new ReleaseRequestReader();

/**
 * A worker gives a job back: pending, next in turn of its priority, and the attempt is not counted. Refusals, in order: no such job, not
 * active, stale fence.
 */
export function release(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.jobIdEnd === r.jobIdStart) return refuse("invalid_argument", "REQUIRED", "job_id is required", { field: "job_id" });
  const { jobs } = s;
  const row = s.find(c.buf, r.jobIdStart, r.jobIdEnd);
  const id = (): string => textOf(c.buf, r.jobIdStart, r.jobIdEnd);
  if (row === notFound) return refuse("not_found", "NOT_FOUND", `job ${id()} not found`);
  if (row < 0 || jobs.state(row) !== JobState.active) return refuse("failed_precondition", "WRONG_STATE", `job ${id()} is not active`);
  if (r.fence !== 0 && r.fence !== jobs.fence(row)) return staleFence(s, id());
  const change = edit.clear(c.buf);
  if (r.checkpointJsonEnd > r.checkpointJsonStart) {
    change.checkpointStart = r.checkpointJsonStart;
    change.checkpointEnd = r.checkpointJsonEnd;
  }
  const queue = leave(s, row);
  changeDocument(s, row, change);
  jobs.setDueMs(row, 0);
  jobs.setAttempt(row, jobs.attempt(row) - 1);
  assign(s, row, 0);
  enterFirst(s, row, queue);
  s.events.add(EventType.released, jobs.seq(row), jobs.createdMs(row), queue, s.logTimeMs);
  return undefined;
}
