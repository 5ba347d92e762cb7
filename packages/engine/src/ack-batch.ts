import { putInt32, putPackedInt32 } from "@corvo/gen/corvo/fast/runtime.js";
import { AckBatchItemReader, AckBatchRequestReader, AckBatchResponseTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { limits, type Refusal, refuse } from "@corvo/protocol";
import type { Command } from "./command.js";
import { AckOutcome, accepted, settle } from "./settle.js";
import { notFound, type State } from "./state.js";
import { sameBytes } from "./tables/hash-index.js";
import { JobState } from "./tables/job-table.js";

const reader = new AckBatchRequestReader();
const item = new AckBatchItemReader();
const outcomes = new Int32Array(limits.itemsMax);

/** Ends many deliveries; each item stands alone and has its outcome. */
export function ackBatch(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.itemsCount === 0) return refuse("invalid_argument", "REQUIRED", "items is required", { field: "items" });
  if (r.itemsCount > limits.itemsMax) return refuse("invalid_argument", "TOO_LARGE", `more than ${limits.itemsMax} items`, { field: "items" });
  for (let i = 0; i < r.itemsCount; i++) {
    item.read(r.buf, r.itemsStart[i], r.itemsEnd[i]);
    if (item.jobIdEnd === item.jobIdStart) return refuse("invalid_argument", "REQUIRED", "job_id is required", { field: `items[${i}].job_id` });
  }
  let acked = 0;
  for (let i = 0; i < r.itemsCount; i++) {
    outcomes[i] = ackItem(s, item.read(r.buf, r.itemsStart[i], r.itemsEnd[i]), c.flags, 0, 0);
    if (accepted(outcomes[i])) acked++;
  }
  if (!s.answering) return undefined;
  if (acked > 0) putInt32(s.out, AckBatchResponseTag.acked, acked);
  putPackedInt32(s.out, AckBatchResponseTag.outcomes, outcomes, r.itemsCount);
  return undefined;
}

/**
 * One item of a batch or frame. Outcomes, in order: no id, no such job, not active, lease of another fence; where no fence is
 * given but the frame names its worker: lease of another worker; those of `settle`, whose refusal then says why.
 */
export function ackItem(s: State, r: AckBatchItemReader, flags: number, workerStart: number, workerEnd: number): number {
  if (r.jobIdEnd === r.jobIdStart) return AckOutcome.refused;
  const row = s.find(r.buf, r.jobIdStart, r.jobIdEnd);
  if (row === notFound) return AckOutcome.notFound;
  if (row < 0 || s.jobs.state(row) !== JobState.active) return AckOutcome.notActive;
  if (r.fence !== 0) {
    if (r.fence !== s.jobs.fence(row)) return stale(s);
  } else if (workerEnd > workerStart && !heldBy(s, row, r.buf, workerStart, workerEnd)) return stale(s);
  return settle(s, row, r, flags);
}

function stale(s: State): number {
  s.measured.staleFences++;
  return AckOutcome.staleFence;
}

function heldBy(s: State, row: number, buf: Uint8Array, start: number, end: number): boolean {
  const number = s.jobs.worker(row);
  if (number === 0) return false;
  const { name, idBytes } = s.workers.byNumber[number]!;
  return sameBytes(name, 0, idBytes, buf, start, end);
}
