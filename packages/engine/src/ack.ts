import { putBytes, putInt32, putText } from "@corvo/gen/corvo/fast/runtime.js";
import { AckRequestReader, AckResponseTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { type Refusal, refuse } from "@corvo/protocol";
import { type Command, textOf } from "./command.js";
import { staleFence } from "./lease.js";
import { AckOutcome, settle, settled } from "./settle.js";
import { notFound, type State } from "./state.js";
import { JobState } from "./tables/job-table.js";

const reader = new AckRequestReader();

/** Ends a delivery: the job is completed or, an agent's, goes on or is held. Refusals, in order: no such job, not active, stale fence, those of `settle`. */
export function ack(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.jobIdEnd === r.jobIdStart) return refuse("invalid_argument", "REQUIRED", "job_id is required", { field: "job_id" });
  const id = (): string => textOf(c.buf, r.jobIdStart, r.jobIdEnd);
  const row = s.find(c.buf, r.jobIdStart, r.jobIdEnd);
  if (row === notFound || (row < 0 && c.looked && !c.hasRecord)) return refuse("invalid_argument", "NOT_FOUND", `job ${id()} not found`);
  if (row < 0 || s.jobs.state(row) !== JobState.active) return refuse("invalid_argument", "WRONG_STATE", `job ${id()} is not active`);
  if (r.fence !== 0 && r.fence !== s.jobs.fence(row)) return staleFence(s, id());
  if (r.agentStatusEnd === r.agentStatusStart) {
    r.agentStatusStart = r.ackStatusStart;
    r.agentStatusEnd = r.ackStatusEnd;
  }
  const outcome = settle(s, row, r, c.flags);
  if (outcome === AckOutcome.refused || outcome === AckOutcome.budgetExceeded) return settled.refusal;
  if (!s.answering || settled.iteration === 0) return undefined;
  putText(s.out, AckResponseTag.state, outcome === AckOutcome.acked ? "completed" : outcome === AckOutcome.continued ? "pending" : "held");
  if (settled.holdReason.length > 0) putBytes(s.out, AckResponseTag.holdReason, settled.holdReason);
  putInt32(s.out, AckResponseTag.iteration, settled.iteration);
  return undefined;
}
