import { putInt32, putPackedInt32, putText, putUint64Parts } from "@corvo/gen/corvo/fast/runtime.js";
import { AckBatchItemReader, EnqueueRequestReader, LifecycleStreamRequestReader, LifecycleStreamResponseTag } from "@corvo/gen/corvo/v1/worker_fast.js";
import { commandFlags, limits, type Refusal, refuse } from "@corvo/protocol";
import { ackItem } from "./ack-batch.js";
import { archiveAgain, type Command, putJobIdField } from "./command.js";
import { dependenciesUnknown } from "./dependencies.js";
import { badMessage, EnqueueOutcome, insert, inserted } from "./enqueue.js";
import { checkFetcher, grant, overBudget, writeLeasedItem } from "./fetch.js";
import { addFollowers } from "./followers.js";
import { depthRefusal } from "./queue-depth.js";
import { ItemMemory, reused } from "./request-ids.js";
import { AckOutcome, accepted, settled } from "./settle.js";
import type { State } from "./state.js";

const reader = new LifecycleStreamRequestReader();
const item = new EnqueueRequestReader();
const ackReader = new AckBatchItemReader();
const ackOutcomes = new Int32Array(limits.itemsMax);
const enqueueOutcomes = new Int32Array(limits.itemsMax);

/**
 * One frame: acks, then the fetch, then the enqueues, so that freed concurrency serves the fetch and new jobs do not. A part that
 * fails does not stop the others: the first error is told in `error`, what became of each item in the outcomes.
 */
export function lifecycle(s: State, c: Command): Refusal | undefined {
  const r = reader.read(c.buf, c.start, c.end);
  if (r.acksCount > limits.itemsMax) return refuse("invalid_argument", "TOO_LARGE", `more than ${limits.itemsMax} acks`, { field: "acks" });
  if (r.enqueuesCount > limits.itemsMax) return refuse("invalid_argument", "TOO_LARGE", `more than ${limits.itemsMax} enqueues`, { field: "enqueues" });
  if ((c.flags & commandFlags.dependent) !== 0) {
    if (!knowsDependencies(s, r)) return archiveAgain;
    s.endedNow = new Map();
  }
  const w = s.out;
  if (s.answering && (r.requestIdLo | r.requestIdHi) !== 0) putUint64Parts(w, LifecycleStreamResponseTag.requestId, r.requestIdLo, r.requestIdHi);
  let error = "";

  let acked = 0;
  for (let i = 0; i < r.acksCount; i++) {
    try {
      ackOutcomes[i] = ackItem(s, ackReader.read(r.buf, r.acksStart[i], r.acksEnd[i]), c.flags, r.workerIdStart, r.workerIdEnd);
      if (accepted(ackOutcomes[i])) acked++;
      else if (ackOutcomes[i] === AckOutcome.budgetExceeded) error ||= `ack: ${settled.refusal!.message}`;
      else if (ackOutcomes[i] === AckOutcome.refused)
        error ||= ackReader.jobIdEnd === ackReader.jobIdStart ? "ack: job_id is required" : `ack: ${settled.refusal!.message}`;
    } catch (cause) {
      ackOutcomes[i] = AckOutcome.refused;
      error ||= `ack: ${badMessage(cause).message}`;
    }
  }

  addFollowers(s); // what the acks call for can be fetched by this very frame
  if (r.fetchCount > 0) {
    const refusal = checkFetcher(r) ?? overBudget(s, r);
    if (refusal !== undefined) error ||= `fetch: ${refusal.message}`;
    else grant(s, r, Math.min(r.fetchCount, limits.itemsMax), writeJob(s));
  }
  if (s.answering && acked > 0) putInt32(w, LifecycleStreamResponseTag.acked, acked);

  for (let i = 0; i < r.enqueuesCount; i++) {
    enqueueOutcomes[i] = enqueueItem(s, r.buf, r.enqueuesStart[i], r.enqueuesEnd[i]);
    if (enqueueOutcomes[i] === EnqueueOutcome.refused) error ||= `enqueue: ${inserted.refusal!.message}`;
    else if (s.answering) putJobIdField(w, LifecycleStreamResponseTag.enqueuedJobIds, inserted.createdMs, inserted.seq);
  }

  if (!s.answering) return undefined;
  if (error !== "") putText(w, LifecycleStreamResponseTag.error, error);
  putPackedInt32(w, LifecycleStreamResponseTag.outcomes, ackOutcomes, r.acksCount);
  putPackedInt32(w, LifecycleStreamResponseTag.enqueueOutcomes, enqueueOutcomes, r.enqueuesCount);
  return undefined;
}

/** The frame that was applied last asked for jobs and nothing else. */
export function idleFrame(): boolean {
  return reader.acksCount === 0 && reader.enqueuesCount === 0;
}

/** Before anything is done: are the states of all jobs known that others of this frame depend on? */
function knowsDependencies(s: State, r: LifecycleStreamRequestReader): boolean {
  for (let i = 0; i < r.enqueuesCount; i++) {
    try {
      item.read(r.buf, r.enqueuesStart[i], r.enqueuesEnd[i]);
    } catch (cause) {
      badMessage(cause); // throws what is not the item's fault; the item is refused when its turn comes
      continue;
    }
    if (item.dependsOnCount > 0 && dependenciesUnknown(s, item)) return false;
  }
  return true;
}

function writeJob(s: State): (row: number) => void {
  return (row) => writeLeasedItem(s, row, LifecycleStreamResponseTag.jobs);
}

function enqueueItem(s: State, buf: Uint8Array, start: number, end: number): number {
  try {
    item.read(buf, start, end);
    const again = item.requestIdEnd > item.requestIdStart;
    const known = again ? ItemMemory.find(s, item) : 0;
    if (known > 0) return ItemMemory.recall();
    const full = s.depthLimits > 0 && known === 0 ? depthRefusal(s, item) : undefined;
    if (full !== undefined) {
      inserted.refusal = full;
      return EnqueueOutcome.refused;
    }
    if (!again) return insert(s, item);
    if (known < 0) {
      inserted.refusal = reused();
      return EnqueueOutcome.refused;
    }
    const outcome = insert(s, item);
    ItemMemory.keep(s, item, outcome);
    return outcome;
  } catch (cause) {
    inserted.refusal = badMessage(cause);
    return EnqueueOutcome.refused;
  }
}
