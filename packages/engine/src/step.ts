import { beginMessage, endMessage, putBytes, putInt32, putPackedInt32, putRange, putText, putUint64, Writer } from "@corvo/gen/corvo/fast/runtime.js";
import {
  EnqueueBatchRequestReader,
  EnqueueBatchRequestTag,
  EnqueueRequestReader,
  EnqueueRequestTag,
  StepRequestReader,
  StepResponseTag,
} from "@corvo/gen/corvo/v1/worker_fast.js";
import { limits, type Refusal, refuse } from "@corvo/protocol";
import { type Command, textOf } from "./command.js";
import { addJobs, jobsRefusal, outcomes } from "./enqueue-batch.js";
import { beat, charge, hear } from "./heartbeat.js";
import { staleFence } from "./lease.js";
import { AckOutcome, settle, settled } from "./settle.js";
import { notFound, type State } from "./state.js";
import { JobState, jobStateNames } from "./tables/job-table.js";
import { validate } from "./validate.js";

const reader = new StepRequestReader();
const job = new EnqueueRequestReader();
const children = new EnqueueBatchRequestReader();
const w = new Writer(64 * 1024);

/**
 * A step of a job, whole or not at all: everything that could be refused is looked at before anything is done. Refusals, in order: no such
 * job, not active, stale fence, words that do not fit `keep`, those of the first job that cannot be added, those of the acknowledgement.
 */
export function step(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.jobIdEnd === r.jobIdStart) return refuse("invalid_argument", "REQUIRED", "job_id is required", { field: "job_id" });
  if (r.jobsCount > limits.itemsMax) return refuse("invalid_argument", "TOO_LARGE", `more than ${limits.itemsMax} jobs`, { field: "jobs" });
  const id = (): string => textOf(c.buf, r.jobIdStart, r.jobIdEnd);
  const row = s.find(c.buf, r.jobIdStart, r.jobIdEnd);
  if (row === notFound) return refuse("not_found", "NOT_FOUND", `job ${id()} not found`);
  if (row < 0 || s.jobs.state(row) !== JobState.active) return refuse("failed_precondition", "WRONG_STATE", `job ${id()} is not active`);
  if (r.fence !== 0 && r.fence !== s.jobs.fence(row)) return staleFence(s, id());
  if (r.keep && (r.agentStatusEnd > r.agentStatusStart || r.resultJsonEnd > r.resultJsonStart)) {
    return refuse("invalid_argument", "INVALID_VALUE", "a job that is kept has no result and no agent_status yet", { field: "keep" });
  }
  const bytes = r.jobsCount === 0 ? 0 : writeChildren(r); // may give `w` another buffer: read that one
  const jobs = r.jobsCount === 0 ? undefined : children.read(w.buf, 0, bytes);
  const refusal = (jobs && jobsRefusal(s, jobs)) ?? (r.keep ? undefined : validate(s, s.logTimeMs, () => refusalOf(s, row, r, c.flags)));
  if (refusal !== undefined) return refusal;
  // Children first: their parent is still there to have them.
  if (jobs) addJobs(s, jobs, StepResponseTag.jobIds);
  const state = r.keep ? keep(s, row, r) : acknowledge(s, row, r, c.flags);
  if (!s.answering) return undefined;
  const { out } = s;
  putText(out, StepResponseTag.state, state);
  if (!r.keep && settled.iteration > 0) {
    if (settled.holdReason.length > 0) putBytes(out, StepResponseTag.holdReason, settled.holdReason);
    putInt32(out, StepResponseTag.iteration, settled.iteration);
  }
  if (jobs) putPackedInt32(out, StepResponseTag.outcomes, outcomes, jobs.jobsCount);
  putUint64(out, StepResponseTag.logIndex, s.appliedIndex);
  return undefined;
}

/** The jobs as a batch, each with this job as its parent unless it names another; the length of what is in `w`. */
function writeChildren(r: StepRequestReader): number {
  w.reset();
  for (let i = 0; i < r.jobsCount; i++) {
    job.read(r.buf, r.jobsStart[i], r.jobsEnd[i]);
    const at = beginMessage(w, EnqueueBatchRequestTag.jobs, job.end - job.start + 40);
    w.ensure(job.end - job.start);
    w.buf.set(r.buf.subarray(job.start, job.end), w.pos);
    w.pos += job.end - job.start;
    if (job.parentIdEnd === job.parentIdStart) putRange(w, EnqueueRequestTag.parentId, r.buf, r.jobIdStart, r.jobIdEnd);
    endMessage(w, at);
  }
  return w.pos;
}

function refusalOf(s: State, row: number, r: StepRequestReader, flags: number): Refusal | undefined {
  const outcome = settle(s, row, r, flags);
  return outcome === AckOutcome.refused || outcome === AckOutcome.budgetExceeded ? settled.refusal : undefined;
}

function acknowledge(s: State, row: number, r: StepRequestReader, flags: number): string {
  const outcome = settle(s, row, r, flags);
  if (outcome === AckOutcome.refused || outcome === AckOutcome.budgetExceeded) throw new Error("a step that was looked at cannot be refused");
  return outcome === AckOutcome.acked ? "completed" : outcome === AckOutcome.continued ? "pending" : "held";
}

/** The job goes on in the same hands, unless its budget says otherwise. */
function keep(s: State, row: number, r: StepRequestReader): string {
  const news = {
    ...noProgress,
    checkpointJsonStart: r.checkpointJsonStart,
    checkpointJsonEnd: r.checkpointJsonEnd,
    usageStart: r.usageStart,
    usageEnd: r.usageEnd,
  };
  beat(s, row, r.buf, news);
  hear(s, row);
  const seq = s.jobs.seq(row);
  if (!r.hasUsage || !charge(s, row, r.buf, news)) return "active";
  const now = s.sequences.get(seq);
  return now === -1 ? "cancelled" : jobStateNames[s.jobs.state(now)];
}
const noProgress = { progressJsonStart: 0, progressJsonEnd: 0 };
